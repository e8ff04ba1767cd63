"""Becomes Envoy with one of its tracers, which says where it listens."""

import json
import os
import pathlib
import socket
import sys
import time
import urllib.parse
import urllib.request

TYPES = "type.googleapis.com/envoy"


def typed(name, **settings):
    return {"@type": f"{TYPES}.{name}", **settings}


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def address(port, host="127.0.0.1"):
    return {"socket_address": {"address": host, "port_value": port}}


def tracer(kind, service):
    to_backend = {"envoy_grpc": {"cluster_name": "backend"}}
    if kind == "skywalking":
        return {
            "name": "envoy.tracers.skywalking",
            "typed_config": typed(
                "config.trace.v3.SkyWalkingConfig",
                grpc_service=to_backend,
                client_config={"service_name": service, "instance_name": "1"},
            ),
        }
    return {
        "name": "envoy.tracers.opentelemetry",
        "typed_config": typed(
            "config.trace.v3.OpenTelemetryConfig", grpc_service=to_backend, service_name=service
        ),
    }


def gateway(port, provider):
    lua = pathlib.Path(__file__).with_name("gateway.lua").read_text(encoding="utf-8")
    filters = [
        {
            "name": "envoy.filters.http.lua",
            "typed_config": typed(
                "extensions.filters.http.lua.v3.Lua", default_source_code={"inline_string": lua}
            ),
        },
        {
            "name": "envoy.filters.http.router",
            "typed_config": typed("extensions.filters.http.router.v3.Router"),
        },
    ]
    route = {"match": {"prefix": "/"}, "route": {"cluster": "next"}}
    manager = typed(
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="gateway",
        # A CLIENT span for the call behind, beside the SERVER span.
        tracing={"provider": provider, "spawn_upstream_span": True},
        http_filters=filters,
        route_config={"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
    )
    chain = {
        "filters": [
            {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}
        ]
    }
    return {
        "name": "gateway",
        "address": address(port),
        "traffic_direction": "INBOUND",
        "filter_chains": [chain],
    }


def clusters(backend):
    url = urllib.parse.urlsplit(backend if "//" in backend else f"//{backend}")
    endpoint = {"endpoint": {"address": address(url.port, url.hostname)}}
    http2 = typed(
        "extensions.upstreams.http.v3.HttpProtocolOptions",
        explicit_http_config={"http2_protocol_options": {}},
    )
    return [
        {
            "name": "next",
            "type": "ORIGINAL_DST",
            "lb_policy": "CLUSTER_PROVIDED",
            "original_dst_lb_config": {"use_http_header": True},
        },
        {
            "name": "backend",
            "type": "STATIC",
            "load_assignment": {
                "cluster_name": "backend",
                "endpoints": [{"lb_endpoints": [endpoint]}],
            },
            "typed_extension_protocol_options": {
                f"{TYPES.split('/')[1]}.extensions.upstreams.http.v3.HttpProtocolOptions": http2
            },
        },
    ]


def config(kind, backend, port, admin):
    provider = tracer(kind, os.environ["SERVICE_NAME"])
    # Each span as it comes; by default they wait for others.
    runtime = {"tracing.opentelemetry.min_flush_spans": 1}
    return {
        "admin": {"address": address(admin)},
        "layered_runtime": {"layers": [{"name": "static", "static_layer": runtime}]},
        "static_resources": {
            "listeners": [gateway(port, provider)],
            "clusters": clusters(backend),
        },
    }


def say_when_ready(port, admin):
    """In a process of its own, which ends if Envoy does not come up."""
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{admin}/ready", timeout=5):
                print(f"listening on http://127.0.0.1:{port}", flush=True)
                return
        except OSError:
            time.sleep(0.1)


def main():
    program, kind, backend = sys.argv[1:]
    port, admin = free_port(), free_port()
    settings = json.dumps(config(kind, backend, port, admin))
    if os.fork() == 0:
        say_when_ready(port, admin)
        return
    options = ["--use-dynamic-base-id", "--concurrency", "1", "--log-level", "warning"]
    os.execv(program, [program, "--config-yaml", settings, *options])


if __name__ == "__main__":
    main()
