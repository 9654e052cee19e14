from mlkraken_serving._main import main

main()
