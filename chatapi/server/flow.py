"""When a connection is read."""

from uvicorn.protocols.http.flow_control import FlowControl


class Flow(FlowControl):
    """Keep reading paused while pipelined requests are queued, whatever uvicorn asks for."""

    holding = False

    def resume_reading(self) -> None:
        if not self.holding:
            super().resume_reading()
