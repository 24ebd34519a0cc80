"""Started, then left, then left2: the same branch as the project's sample procedure."""

from viewflow import this
from viewflow.workflow import flow
from viewflow.workflow.models import Process


class Sample(flow.Flow):
    process_class = Process
    start = flow.StartHandle(this.nothing).Next(this.left)
    left = flow.Handle(this.nothing).Next(this.left2)
    left2 = flow.Handle(this.nothing).Next(this.end)
    end = flow.End()

    def nothing(self, activation, **kwargs):
        return None
