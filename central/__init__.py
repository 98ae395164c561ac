"""Central: what edges heard becomes stock, and everything a warehouse does around it.

The road: ``intake`` (receive) -> ``judging`` over the pure ``reconcile`` (judge) -> ``stock``
(post) -> ``insight``, ``events``, ``alerts``, ``api``, ``web`` (tell).

Around the ledger, a slice each with its rules, its tables' statements and its routes in ``api``:
``catalogue``, ``lots``, ``reservations``, ``orders``, ``carriers``, ``receiving``, ``returns``,
``counts``, ``documents``, ``labels``, ``attachments``, ``reports``, ``imports``, ``erp``,
``epcis``, ``reviews``, ``why``, ``access``, ``audit``. No slice asks another's tables: it asks
the slice.

Below them all: ``schema`` (the tables), ``database`` (the one road to them), ``migrations``,
``keeping`` (backups, digests, soundness), ``archive``; ``commands`` and ``cli`` are the terminal,
``config``, ``inventory`` and ``app`` put it together.
"""
