"""Who may read and who may change what stands on the administrator's desk."""

from jinzhi.foundation.people.access import role_required

reader = role_required("administrator", "security_administrator", "auditor")
administrator = role_required("administrator")
security = role_required("security_administrator")
auditor = role_required("auditor")
