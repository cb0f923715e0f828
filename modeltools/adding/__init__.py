"""Makes a model folder of what people have: `python -m slipway.modeltools.adding`.

Each kind of source is a module in `kinds`; adding one adds a file there. `describe` recognises a source
without opening it. A text model that is ONNX already is checked and copied with what the server itself has;
`importing` converts those that need torch. A table model is converted by `tables.worker`, in an environment
of its own and confined by the caller, because opening a pickle runs its code; what it wrote is compared and
checked here, outside.
"""
