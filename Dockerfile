# The whole shop in one container: the supervisor and its processes.
FROM node:24-bookworm-slim
WORKDIR /seaworthy
COPY . .
RUN npm ci && node scripts/bootstrap.mjs && mkdir -p /data && chown node /data
USER node
ENV SEAWORTHY_DATA_DIR=/data
VOLUME /data
# Everything binds to loopback, so the container shares the host's network: see compose.yaml.
STOPSIGNAL SIGTERM
CMD ["node", "--disable-warning=ExperimentalWarning", "--conditions=source", "packages/cli/src/main.ts", "start", "shop/system.ts"]
