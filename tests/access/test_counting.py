"""One request counts once, however many records tell of it."""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seclog_handlers.access import AccessLog
from seclog_handlers.access.ledger import LIFETIME, MAX_KEYS, MAX_PER_ADDRESS, Ledger
from seclog_handlers.access.log import MAX_NOTED

from .shapes import (
    BASIC,
    CLIENT,
    application_record,
    at,
    counts,
    django_record,
    failed_login,
    gunicorn_record,
    heard,
    told,
    uvicorn_record,
)

OTHER = "198.51.100.7"


def refused_by_django(**place):
    return at(django_record(401, headers={"authorization": BASIC}), **place)


def refused_by_gunicorn(status="401 Unauthorized", **place):
    return at(gunicorn_record(status, headers={"Authorization": BASIC}), **place)


def served(status=401, client=CLIENT, task=None, **place):
    return at(uvicorn_record(status, "/login", client=(client, 5)), taskName=task, **place)


def test_a_django_401_behind_gunicorn_is_one_failure():
    """The application's event counts; what Django and gunicorn say of the same request does not."""
    found = counts(AccessLog(), failed_login(), refused_by_django(), refused_by_gunicorn())

    assert found == {"authentication": 1, "api_response": 1}


def test_the_next_request_without_an_event_of_the_application_counts_from_django():
    """A request of which the application said nothing counts from django.request, once."""
    log = AccessLog()
    counts(log, failed_login(), refused_by_django(), refused_by_gunicorn())

    assert told(log, refused_by_django())["event_type"] == "authentication"
    assert told(log, refused_by_gunicorn())["event_type"] == "api_response"


def test_without_the_framework_the_access_record_counts():
    """A request that only the server tells of counts from its record."""
    assert counts(AccessLog(), refused_by_gunicorn(), refused_by_gunicorn()) == {"authentication": 2}


def test_without_access_records_django_counts_each_request():
    """Where no access record ends a request, the next django.request record begins another one."""
    records = [refused_by_django(), refused_by_django(), failed_login(), refused_by_django(), refused_by_django()]

    assert counts(AccessLog(), *records) == {"authentication": 4}


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (lambda: application_record("authorization", granted=False), "403"),
        (lambda: application_record("rate_limit_violation"), "429"),
        (lambda: application_record("authentication", success="failed"), "401"),
    ],
)
def test_every_family_counts_once(event, status):
    """A denial and a limit that the application logs do not count again from the server."""
    found = counts(AccessLog(), event(), refused_by_gunicorn(status))

    assert found[event().event_type] == 1
    assert found["api_response"] == 1


@pytest.mark.parametrize(
    "event",
    [
        lambda: application_record("authentication", success=True),
        lambda: application_record("authorization", granted=True),
        lambda: application_record("security_csrf_failure"),
        lambda: application_record("order_placed"),
    ],
)
def test_a_success_hides_no_failure(event):
    """Only what was refused stands for a refused request."""
    found = counts(AccessLog(), event(), refused_by_gunicorn("401"), refused_by_gunicorn("403"))

    assert found["authentication"] >= 1
    assert told(AccessLog(), refused_by_gunicorn())["event_type"] == "authentication"


def test_a_response_that_the_application_logs_is_no_second_response():
    """The access record of a logged response keeps its fields and is no event."""
    log = AccessLog()
    told(log, application_record("api_response", status_code=200))
    fields = log.event(gunicorn_record().__dict__)

    assert "event_type" not in fields
    assert fields["ip_address"] == CLIENT


def test_a_failure_of_which_all_is_logged_is_no_event():
    """With failure and response both logged by the application, the access record adds nothing."""
    log = AccessLog()
    told(log, failed_login())
    told(log, application_record("api_response", status_code=401))

    assert "event_type" not in told(log, refused_by_gunicorn())


def test_a_response_logged_after_the_access_record_counts_once():
    """A middleware logs its response after the server: from the second request on, that is the one that counts."""
    request = [application_record("api_request"), gunicorn_record(), application_record("api_response")]

    log = AccessLog()
    first = counts(log, *request)
    later = counts(log, *request * 5)

    assert first == {"api_request": 1, "api_response": 2}
    assert later == {"api_request": 5, "api_response": 5}


def test_a_late_response_does_not_hide_the_next_request():
    """After a middleware's request, one of which the application says nothing counts from the server."""
    log = AccessLog()
    counts(log, *[application_record("api_request"), gunicorn_record(), application_record("api_response")] * 2)

    assert counts(log, gunicorn_record(), refused_by_gunicorn()) == {"api_response": 1, "authentication": 1}


def test_an_answered_request_takes_no_other_request_with_it():
    """Of two concurrent requests of one client, of which one logs its response, two responses count."""
    known = [at(application_record(name, ip_address=CLIENT), thread=1) for name in ("api_request", "api_response")]
    log = AccessLog()
    counts(log, *[at(record, thread=1) for record in (*known, gunicorn_record())])

    assert counts(log, *known, at(gunicorn_record(), thread=2), at(gunicorn_record(), thread=1))["api_response"] == 2


def test_a_response_logged_by_a_thread_of_a_pool_counts_once():
    """The server's task is linked to a response from another thread by the client's address."""
    event = at(application_record("api_response", ip_address=CLIENT), thread=77, taskName=None)

    assert counts(AccessLog(), event, served(200, task="Task-1")) == {"api_response": 1}


def test_a_logged_request_begins_a_new_one():
    """What the application logged before it logs a request is of an earlier one, which was never answered."""
    log = AccessLog()
    told(log, failed_login())
    told(log, application_record("api_request"))

    assert told(log, refused_by_gunicorn())["event_type"] == "authentication"


def test_a_pools_thread_serves_another_client():
    """A request of another client in the same thread of a pool leaves the first one's under way."""
    log = AccessLog()
    for address in (CLIENT, OTHER):
        told(log, at(application_record("api_request", ip_address=address), thread=77, taskName=None))
        told(log, at(failed_login(address), thread=77, taskName=None))

    assert told(log, served(task="Task-1"))["event_type"] == "api_response"
    assert told(log, served(client=OTHER, task="Task-2"))["event_type"] == "api_response"


def test_a_foreign_host_counts_its_response():
    """A security event that is no denial stands beside the response to its request."""
    records = [django_record(400, logger="django.security.DisallowedHost"), gunicorn_record("400")]

    assert counts(AccessLog(), *records * 2) == {"security_disallowed_host": 2, "api_response": 2}


def test_a_csrf_failure_counts_once():
    """Django's CSRF failure is a security event, and its 403 no denied authorization beside it."""
    found = counts(AccessLog(), django_record(403, logger="django.security.csrf"), refused_by_gunicorn("403"))

    assert found == {"security_csrf_failure": 1, "api_response": 1}


def test_a_health_check_ends_its_request():
    """A health path is no event but ends what the thread did before."""
    log = AccessLog(health_paths=["/up"])
    told(log, failed_login())

    assert told(log, gunicorn_record(path="/up")) == {}
    assert told(log, refused_by_gunicorn())["event_type"] == "authentication"


def test_threads_interleaved():
    """Two requests in two threads stay two, in whichever order their records come."""
    request = {
        thread: [
            at(failed_login(), thread=thread),
            refused_by_django(thread=thread),
            refused_by_gunicorn(thread=thread),
        ]
        for thread in (1, 2)
    }
    for order in set(itertools.permutations([1, 1, 1, 2, 2, 2])):
        queues = {thread: iter(records) for thread, records in request.items()}

        assert counts(AccessLog(), *[next(queues[thread]) for thread in order])["authentication"] == 2, order


def test_concurrent_requests_of_one_client_stay_two():
    """Two concurrent requests of one address, of which one has an event of the application, are two failures."""
    known = [at(failed_login(), thread=1), refused_by_gunicorn(thread=1)]
    silent = [refused_by_gunicorn(thread=2)]
    for records in ([*known, *silent], [known[0], *silent, known[1]], [*silent, *known]):
        assert counts(AccessLog(), *records)["authentication"] == 2


def test_a_thread_of_a_pool_is_linked_by_the_clients_address():
    """A sync endpoint logs from another thread than the server: the address tells that it is one request."""
    records = [at(failed_login(), thread=77, taskName=None), served(task="Task-3")]

    assert counts(AccessLog(), *records) == {"authentication": 1, "api_response": 1}
    assert counts(AccessLog(), *records * 3) == {"authentication": 3, "api_response": 3}


def test_a_record_answers_for_one_request_only():
    """Of three requests of one address with one event of the application, three count."""
    records = [at(failed_login(), thread=77, taskName=None), *[served(task=f"Task-{n}") for n in range(3)]]

    assert counts(AccessLog(), *records)["authentication"] == 3


def test_another_clients_request_is_another_one():
    """An event of one address does not answer for a request of another."""
    records = [at(failed_login(), thread=77, taskName=None), served(client=OTHER, task="Task-3")]

    assert counts(AccessLog(), *records) == {"authentication": 2}


def test_without_an_address_only_the_thread_links():
    """Requests over a Unix socket have no address; those of other threads stay their own."""
    log = AccessLog()
    told(log, at(failed_login(ip_address=None), thread=77))

    assert told(log, at(gunicorn_record("401", "/login", peer=""), thread=78))["event_type"] == "authentication"
    assert told(log, at(gunicorn_record("401", "/login", peer=""), thread=77))["event_type"] == "api_response"


def test_the_application_may_know_a_better_address():
    """Behind a proxy the application names the client and the server the proxy: the thread links them."""
    log = AccessLog()
    told(log, failed_login(ip_address=OTHER))

    assert told(log, refused_by_django()) == {}
    assert told(log, refused_by_gunicorn())["event_type"] == "api_response"


def django_under_asgi(first_thread, address=CLIENT):
    """Return what Django says of one request under ASGI: each record from a thread or task of its own."""
    refused = django_record(401, headers={"authorization": BASIC}, asgi=True, peer=address)
    return [
        at(failed_login(address), thread=first_thread, taskName=None),
        at(refused, thread=first_thread + 1, taskName=None),
        served(client=address, task=f"Task-{first_thread}"),
    ]


def test_django_under_asgi_counts_once():
    """Under ASGI Django logs from the threads of a pool; the address links them to the server's task."""
    assert counts(AccessLog(), *django_under_asgi(10), *django_under_asgi(20))["authentication"] == 2


def test_django_under_asgi_interleaved():
    """Two requests of one client stay two under ASGI, in whichever order their records come."""
    request = {1: django_under_asgi(10), 2: django_under_asgi(20)}
    for order in set(itertools.permutations([1, 1, 1, 2, 2, 2])):
        queues = {number: iter(records) for number, records in request.items()}

        assert counts(AccessLog(), *[next(queues[number]) for number in order])["authentication"] == 2, order


def test_django_under_asgi_without_access_records():
    """With the server's access log off, two requests of one client are two."""
    refused = django_record(401, headers={"authorization": BASIC}, asgi=True)

    assert counts(AccessLog(), refused, refused) == {"authentication": 2}


def test_tasks_of_one_thread_are_told_apart():
    """Two tasks of one event loop are two units, also where the records do not say so themselves."""

    async def request(event: bool, out: list[logging.LogRecord]) -> None:
        if event:
            told(log, application_record("authentication", success=False))
        await asyncio.sleep(0)
        out.append(told(log, uvicorn_record(401, "/login", client=None)))

    async def both() -> list[dict]:
        out: list[dict] = []
        await asyncio.gather(request(True, out), request(False, out))
        return out

    log = AccessLog()
    kinds = sorted(fields["event_type"] for fields in asyncio.run(both()))

    assert kinds == ["api_response", "authentication"]


def test_real_threads():
    """Twenty threads with five requests each, half of which the application knows: every one counts once."""
    log, found = AccessLog(), []

    def serve(known: bool) -> None:
        for _ in range(5):
            if known:
                found.append(told(log, at(failed, thread=threading.get_ident())))
            found.append(told(log, at(refused, thread=threading.get_ident())))

    failed, refused = failed_login(), refused_by_gunicorn()
    for number in range(20):
        thread = threading.Thread(target=serve, args=(number % 2 == 0,))
        thread.start()
        thread.join()

    assert sum(fields["event_type"] == "authentication" for fields in found) == 100


def test_a_forgotten_request_expires():
    """An event whose access record never came stands for no request a minute later."""
    log = AccessLog()
    told(log, at(failed_login(), created=1000.0))

    assert told(log, refused_by_gunicorn(created=1000.0 + LIFETIME + 1))["event_type"] == "authentication"


def test_a_clock_that_steps_back_ends_nothing_forever():
    """A record from long before is not told by one from after it."""
    log = AccessLog()
    told(log, at(failed_login(), created=10_000.0))

    assert told(log, refused_by_gunicorn(created=1.0))["event_type"] == "authentication"


def test_records_that_carry_an_event_of_ours_are_not_noted():
    """A record that was made an event before, by another filter, is not taken for the application's own."""
    log = AccessLog()
    record = refused_by_gunicorn()
    record.__dict__.update(AccessLog().event(record.__dict__))
    told(log, record)

    assert told(log, refused_by_gunicorn())["event_type"] == "authentication"


def test_an_ended_request_leaves_nothing():
    """When its access record has come, nothing of a request is kept."""
    log = AccessLog()
    counts(log, failed_login(), refused_by_django(), refused_by_gunicorn())
    counts(log, *django_under_asgi(10))

    assert log._ledger._addresses == {}
    assert [note for notes in log._ledger._units.values() for note in notes if not note.spent] == []
    assert len(log._ledger._units) <= 1


def test_a_flood_of_keys_is_bounded():
    """However many clients and tasks there are, the ledger keeps a bounded number of them."""
    ledger = Ledger()
    for number in range(3 * MAX_KEYS):
        ledger.application((0, number, None), f"a{number}", "authentication", 1.0)
        ledger.application((0, 1, None), "one address", "authentication", 1.0)

    assert len(ledger._units) <= MAX_KEYS
    assert len(ledger._addresses) <= MAX_KEYS
    assert max(map(len, ledger._addresses.values())) <= 2 * MAX_PER_ADDRESS


def test_logging_without_threads_links_by_address():
    """With `logging.logThreads` off a record names no thread: the address is what is left."""
    log = AccessLog()
    nowhere = {"thread": None, "taskName": None}
    told(log, at(failed_login(), **nowhere))

    assert told(log, refused_by_gunicorn(**nowhere))["event_type"] == "api_response"


# One request: whether the application logs an event, whether Django does, its thread, its client.
REQUESTS = st.lists(
    st.tuples(st.booleans(), st.booleans(), st.integers(1, 3), st.sampled_from([CLIENT, OTHER])),
    max_size=12,
)
POOL = {
    client: (
        failed_login(client),
        django_record(401, headers={"authorization": BASIC}, peer=client),
        gunicorn_record("401", "/login", peer=client),
    )
    for client in (CLIENT, OTHER)
}


@settings(max_examples=150, deadline=None)
@given(REQUESTS, st.randoms(use_true_random=False))
def test_sequences_count_exactly(requests, random):
    """Whatever is served in three threads at once, the failures are as many as the requests."""
    queues: dict[int, list] = {1: [], 2: [], 3: []}
    for known, framework, thread, client in requests:
        event, django, access = POOL[client]
        kept = [event] * known + [django] * framework + [access]
        queues[thread].extend({**record.__dict__, "thread": thread} for record in kept)
    log, failures = AccessLog(), 0
    while any(queues.values()):
        attributes = random.choice([queue for queue in queues.values() if queue]).pop(0)
        if "event_type" in attributes:
            log.note(attributes)
            failures += 1
        else:
            failures += (log.event(attributes) or {}).get("event_type") == "authentication"

    assert failures == len(requests)


ASGI = {client: django_under_asgi(0, client) for client in (CLIENT, OTHER)}


@settings(max_examples=150, deadline=None)
@given(REQUESTS, st.randoms(use_true_random=False))
def test_sequences_under_asgi_count_exactly(requests, random):
    """The same where each record of a request comes from a pool's thread, and the server's from its task."""
    queues = []
    for number, (known, framework, thread, client) in enumerate(requests):
        event, django, access = ({**record.__dict__} for record in ASGI[client])
        event["thread"], django["thread"], access["taskName"] = thread, thread + 1, f"Task-{number}"
        queues.append([event] * known + [django] * framework + [access])
    log, failures = AccessLog(), 0
    while any(queues):
        attributes = random.choice([queue for queue in queues if queue]).pop(0)
        if "event_type" in attributes:
            log.note(attributes)
            failures += 1
        else:
            failures += (log.event(attributes) or {}).get("event_type") == "authentication"

    assert failures == len(requests)


def test_records_as_logging_makes_them_are_enough():
    """Records straight from a logger, none of whose attributes a test has set, are linked."""
    log = AccessLog()
    with heard("app") as records:
        logging.getLogger("app").warning("no", extra={"event_type": "authentication", "success": False})
    told(log, records[0])

    assert told(log, gunicorn_record("401", "/login"))["event_type"] == "api_response"


def test_events_wait_in_bounded_memory():
    """Of more events than can be under way the latest are known, and a giant address is kept nowhere."""
    log, giant = AccessLog(), failed_login("203.0.113.9" * 10_000)
    for number in range(3 * MAX_NOTED):
        log.note(at(giant, thread=number).__dict__)
    log.note(at(failed_login(), thread=-1).__dict__)

    assert len(log._noted) == MAX_NOTED
    assert max(len(repr(noted)) for noted in log._noted) < 500
    assert told(log, refused_by_gunicorn(thread=-1))["event_type"] == "api_response"
