"""The dashboard asks for what there is."""

from __future__ import annotations

import json
import re

import pytest

from tests.helpers import ROOT

pytest.importorskip("prometheus_client")

from fastframe.prometheus import FAMILIES

MONITORING = ROOT / "examples" / "chat" / "monitoring"


def test_the_dashboard_asks_for_families_and_labels_that_there_are() -> None:
    dashboard = json.loads((MONITORING / "grafana" / "fastframe.json").read_text("utf-8"))
    asked = set()
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            for name, labels in re.findall(r"(fastframe_\w+)\{([^}]*)\}", target["expr"]):
                family = FAMILIES[name.removesuffix("_total")]
                assert name.endswith("_total") is not family.is_gauge
                known = {"target", "role", *family.labels}
                assert set(re.findall(r"(\w+)=~", labels)) <= known
                for grouped in re.findall(r"by \(([^)]*)\)", target["expr"]):
                    assert set(grouped.split(", ")) <= known
                asked.add(name.removesuffix("_total"))
            shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert all(f"{label}" in target["expr"] for label in shown)
    assert set(FAMILIES) - asked == {"fastframe_round_trips"}


@pytest.mark.parametrize("name", ["prometheus.yml", "grafana/datasources.yaml"])
def test_where_prometheus_is(name: str) -> None:
    text = (MONITORING / name).read_text("utf-8")
    compose = (ROOT / "examples" / "chat" / "compose.yaml").read_text("utf-8")
    if name == "prometheus.yml":
        assert "/data/servers.json" in text
        assert "- messages:/data:ro" in compose
    else:
        assert "http://chat:9090" in text
        assert "network_mode: service:chat" in compose
