"""As much of Cloud Storage's XML API as an upload calls, on top of what a download calls."""

from dataclasses import dataclass, field
from urllib.parse import parse_qs

from tests.service.sources.buckets import BUCKET, CloudStorage
from tests.service.sources.front import Answer, Request, error_xml


@dataclass
class WritableCloudStorage(CloudStorage):
    """cloud.google.com/storage/docs/xml-api: PUT and DELETE of an object, and multipart uploads."""

    metadata: dict[tuple[str, str], dict[str, str]] = field(
        default_factory=dict[tuple[str, str], dict[str, str]]
    )
    """(key, generation) -> its headers `x-goog-meta-…`."""
    uploads: dict[str, tuple[dict[str, str], dict[int, bytes]]] = field(
        default_factory=dict[str, tuple[dict[str, str], dict[int, bytes]]]
    )
    """Multipart uploads that have begun: id -> headers and parts."""

    def __call__(self, request: Request) -> Answer:
        bucket, _, key = request.path.removeprefix("/").partition("/")
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            return Answer(401, {}, error_xml("AuthenticationRequired"))
        if bucket != BUCKET:
            return Answer(404, {}, error_xml("NoSuchBucket"))
        query = parse_qs(request.query, keep_blank_values=True)
        if request.method == "DELETE":
            self.objects.pop(key, None)
            return Answer(204)
        if "uploads" in query or "uploadId" in query:
            return self._multipart(request, key, query)
        if request.method == "PUT":
            return self._stored(key, request.body, request.headers)
        return self._with_metadata(key, super().__call__(request))

    def _stored(self, key: str, content: bytes, headers: dict[str, str], body: bytes = b"") -> Answer:
        if headers.get("x-goog-if-generation-match") == "0" and key in self.objects:
            return Answer(412, {}, error_xml("PreconditionFailed"))
        generation = self.put(key, content)
        self.metadata[key, generation] = {n: v for n, v in headers.items() if n.startswith("x-goog-meta-")}
        return Answer(200, {"ETag": '"an-etag"', "x-goog-generation": generation}, body)

    def _with_metadata(self, key: str, answer: Answer) -> Answer:
        noted = self.metadata.get((key, answer.headers.get("x-goog-generation", "")), {})
        return Answer(answer.status, answer.headers | noted, answer.body)

    def _multipart(self, request: Request, key: str, query: dict[str, list[str]]) -> Answer:
        if "uploads" in query:
            number = f"upload-{len(self.uploads) + 1}"
            self.uploads[number] = (request.headers, {})
            names = f"<Bucket>{BUCKET}</Bucket><Key>{key}</Key><UploadId>{number}</UploadId>"
            xml = f"<InitiateMultipartUploadResult>{names}</InitiateMultipartUploadResult>"
            return Answer(200, {}, xml.encode())
        headers, parts = self.uploads[query["uploadId"][0]]
        if request.method == "PUT":
            parts[int(query["partNumber"][0])] = request.body
            return Answer(200, {"ETag": f'"part-{query["partNumber"][0]}"'})
        content = b"".join(parts[number] for number in sorted(parts))
        names = f"<Bucket>{BUCKET}</Bucket><Key>{key}</Key><ETag>an-etag</ETag>"
        xml = f"<CompleteMultipartUploadResult>{names}</CompleteMultipartUploadResult>"
        return self._stored(key, content, headers, xml.encode())
