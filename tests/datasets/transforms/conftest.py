"""Numbers of bands."""

from __future__ import annotations

import pytest


@pytest.fixture(params=[4, 430])  # mmcv ends at 4 bands in some operations, at 128 in others
def bands(request: pytest.FixtureRequest) -> int:
    return request.param
