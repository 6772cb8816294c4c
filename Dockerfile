# SPDX-License-Identifier: MIT
#
# The command ws in an image that has nothing else:
#   docker build -t ws .
#   docker run --rm -p 9001:9001 ws echo :9001
#   docker run --rm -it ws wss://example.com/
# Its root has been used as one by chroot (tools/package-static --try), not yet
# by Docker.

FROM debian:bookworm-slim AS build
COPY . /silverback
RUN apt-get update && apt-get install -y --no-install-recommends \
        ca-certificates openssl && \
    /silverback/tools/setup && /silverback/tools/package-static /root-of-image

FROM scratch
COPY --from=build /root-of-image /
USER 65534:65534
ENTRYPOINT ["/usr/bin/ws"]
CMD ["--help"]
