"""How thoroughly hypothesis looks: `make check` is for every commit and has two minutes, `make test` has its time."""

from hypothesis import settings

settings.register_profile("check", max_examples=10, deadline=None)
settings.register_profile("test", max_examples=100, deadline=None)
settings.load_profile("test")
