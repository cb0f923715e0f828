from tests.service.sources.conftest import moto, s3

__all__ = ["moto", "s3"]
