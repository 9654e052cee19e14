// Stands for styles and pictures.
module.exports = '';
