// What anywidget does with the bundle, and a kernel that sends columns.
async ([code, count]) => {
    const address = URL.createObjectURL(new Blob([code], {type: 'text/javascript'}));
    const widget = (await import(address)).default();
    const traits = {title: 'churn', height: 300, state: 'live', still: 'x1'};
    const listeners = new Map();
    const model = {
        get: name => traits[name],
        on: (event, listener) =>
            listeners.set(event, [...listeners.get(event) ?? [], listener]),
        off: (event, listener) =>
            listeners.set(event, (listeners.get(event) ?? []).filter(one => one !== listener)),
        send: () => undefined
    };
    let sent = Date.now() / 1000 - count / 100;
    window.send = (reset, count) => {
        const columns = [new Float64Array(count), new Float32Array(count), new Float32Array(count),
                         new Uint16Array(count).fill(200), new Uint32Array(count).fill(1)];
        for (let index = 0; index < count; index++) {
            columns[0][index] = sent += 0.01;
            columns[1][index] = Math.exp(1.5 + Math.random() + 2 * Math.random() ** 20);
        }
        const message = {type: 'points', reset, count};
        const views = columns.map(column => new DataView(column.buffer));
        listeners.get('msg:custom').forEach(listener => listener(message, views));
    };
    window.openView = () => {
        window.closeView = widget.render({model, el: document.getElementById('here')});
    };
    window.wheel = deltaY => {
        const area = document.querySelector('.u-over');
        area.dispatchEvent(new WheelEvent('wheel', {deltaY, ctrlKey: true, bubbles: true}));
    };
    window.key = key => {
        const plot = document.querySelector('.mlk-chart-plot');
        plot.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
    };
    widget.initialize({model});
    window.openView();
    window.send(true, count);
}
