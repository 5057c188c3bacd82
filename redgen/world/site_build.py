"""Sites and routes from the spec."""

from __future__ import annotations

from typing import Any

import numpy as np

from redgen.activity.terms import METHODS, ORGS
from redgen.spec.world import Body, Latency, Route, Site, WorldSpec
from redgen.vocabulary import Vocabulary
from redgen.world.plan import U32
from redgen.world.sites import BODIES, ROUTE_KINDS, STYLES, Routes, Sites

STATUS = {"login_post": 302, "logout": 302, "probe": 404}
"""What a route that succeeds answers, where it is not 200."""
LOCAL = {"asset", "probe", "health"}
"""Kinds that nginx serves by itself."""
NGINX_404 = 146
"""Body of nginx's own 404 page with ``server_tokens off``; browsers' padding is the answer's business."""
UPSTREAMS = (10 << 24) + (20 << 16) + (3 << 8)
"""10.20.3.0/24 and above: application servers."""


def build_sites(spec: WorldSpec, public: U32, inner: U32) -> Sites:
    """One row per site; ``public`` and ``inner`` are one address each."""
    upstreams: list[str] = []
    first = [0]
    for site in spec.sites:
        for _ in range(site.upstreams):
            number = UPSTREAMS + 10 + len(upstreams)
            upstreams.append(f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}:8080")
        first.append(len(upstreams))
    return Sites(
        host=Vocabulary.of(s.host for s in spec.sites), addr=public, inner=inner,
        port=np.array([s.port for s in spec.sites], dtype=np.int32),
        first=np.array(first[:-1], dtype=np.int16), stop=np.array(first[1:], dtype=np.int16),
        upstreams=Vocabulary.of(upstreams),
        keepalive_s=np.array([s.keepalive // 1_000_000 for s in spec.sites], dtype=np.int32),
        h2=np.array([s.h2 for s in spec.sites], dtype=np.bool_),
        org=np.array([ORGS.index(s.login) if s.login else -1 for s in spec.sites], dtype=np.int8),
    )


def build_routes(spec: WorldSpec) -> Routes:
    """One row per route, site by site."""
    pairs = [(i, site, route) for i, site in enumerate(spec.sites) for route in site.routes]
    rows = [_row(i, site, route) for i, site, route in pairs]

    def column(name: str, dtype: Any) -> Any:
        return np.array([row[name] for row in rows], dtype=dtype)

    return Routes(
        id=Vocabulary.of(route.id for _, _, route in pairs), site=column("site", np.int16),
        method=column("method", np.int8), path=Vocabulary.of(route.path for _, _, route in pairs),
        kind=column("kind", np.int8), status=column("status", np.int16), objects=column("objects", np.int64),
        objects2=column("objects2", np.int64), zipf=column("zipf", np.float64), style=column("style", np.int8),
        body=column("body", np.int8), size=column("size", np.int64), mu=column("mu", np.float64),
        sigma=column("sigma", np.float64), tail=column("tail", np.float64), tail_k=column("tail_k", np.float64),
        tail_alpha=column("tail_alpha", np.float64), cap=column("cap", np.float64),
        latency_mu=column("latency_mu", np.float64), latency_sigma=column("latency_sigma", np.float64),
        request=column("request", np.int32), local=column("local", np.bool_),
        cacheable=column("cacheable", np.bool_), auth=column("auth", np.bool_),
    )


def _row(site_code: int, site: Site, route: Route) -> dict[str, Any]:
    body, latency = _body(site, route), route.latency or site.latency
    return {
        "site": site_code, "method": METHODS.index(route.method), "kind": ROUTE_KINDS.index(route.kind),
        "status": route.status or STATUS.get(route.kind, 200), "objects": route.objects, "objects2": route.objects2,
        "zipf": route.zipf, "style": STYLES.index(route.style), "request": route.request, "auth": route.auth,
        "local": route.kind in LOCAL if route.local is None else route.local,
        "cacheable": route.kind == "asset" if route.cacheable is None else route.cacheable,
        **_sizes(body), **_times(latency),
    }


def _body(site: Site, route: Route) -> Body:
    if route.body is not None:
        return route.body
    return Body(constant=NGINX_404) if route.kind == "probe" else site.body


def _sizes(body: Body) -> dict[str, float]:
    constant = body.constant is not None
    return {
        "body": BODIES.index("constant" if constant else "lognormal"), "size": body.constant or 0,
        "mu": float(np.log(body.median)), "sigma": body.sigma, "tail": 0.0 if constant else body.tail,
        "tail_k": body.tail_k, "tail_alpha": body.tail_alpha, "cap": body.cap,
    }


def _times(latency: Latency) -> dict[str, float]:
    return {"latency_mu": float(np.log(latency.median_ms)), "latency_sigma": latency.sigma}
