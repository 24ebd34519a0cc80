"""The administrator's desk: its home page. Each kind of record has a module of its own beside this one."""

from django.shortcuts import render

from jinzhi.foundation.people.access import staff_required


@staff_required
def home(request):
    return render(request, "desk/home.html")
