# Builds campaigner and puts it into a small image that runs without root and with a read-only root file system.
#
#   docker build -t campaigner .
#   docker run --rm --read-only -v "$PWD":/work campaigner check campaigns/welcome.yaml
#
# The store and the reports go to the working directory, /work. It must be writable for the user 10001, or for the one
# that `--user` names. SIGTERM (`docker stop`) reaches campaigner itself: it finishes the requests in flight.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked

FROM debian:bookworm-slim
# The certificates of the certificate authorities: providers are reached over HTTPS only.
# No fixed version: an update of the certificates must not break the build.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --no-install-recommends -y ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin campaigner \
    && mkdir /work \
    && chown 10001:10001 /work
COPY --from=build /src/target/release/campaigner /usr/local/bin/campaigner
USER 10001:10001
WORKDIR /work
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/campaigner"]
CMD ["--help"]
