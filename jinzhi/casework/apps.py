from django.apps import AppConfig


class CaseworkConfig(AppConfig):
    name = "jinzhi.casework"
    label = "casework"
    verbose_name = "办件"

    def ready(self):
        from jinzhi.casework import clocks, dossier, events, hooks, procedures, timers  # noqa: F401
        from jinzhi.foundation import calendar, history
        from jinzhi.foundation.people import roles

        hooks.discover()
        history.verifiers.append(history.Verifier(events.verify, events.size))
        calendar.notice_confirmed.connect(clocks.on_notice_confirmed, dispatch_uid="casework.clocks")
        roles.steps_provider = procedures.grantable
