from slipway.infra.program import main

main()
