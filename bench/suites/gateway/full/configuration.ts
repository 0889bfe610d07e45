import type { ProxyProgram } from '../../../../test/servers/proxies.ts'

export const ROUTES = 200
/** Of the requests, written to the access log. */
const LOGGED = 0.01
const RATE_PER_SECOND = 1_000_000
const AT_ONCE = 512

const pathOf = (route: number) => `/api/r${route}`
export const targets: readonly string[] = Array.from({ length: ROUTES }, (_, route) => `${pathOf(route)}/${1_000 + route}`)

/** A gateway's file with everything on: every route moves by half, sticky by user and judged, and both upstreams have every policy there is. */
export function gatewayFile(upstreamPort: number): object {
  const policy = {
    timeout: { connectMs: 1_000, answerMs: 5_000 },
    retry: { attemptsMax: 3, backoff: { kind: 'exponential', baseMs: 20, factor: 2, maxMs: 250, jitter: 'equal' }, budget: { ratio: 0.2 } },
    circuitBreaker: { failureRate: 0.5, window: { kind: 'count', callsMax: 50 }, openMs: 1_000 },
    bulkhead: { concurrencyMax: AT_ONCE, queueMax: AT_ONCE },
    outlier: { consecutiveFailures: 5, ejectMs: 10_000 },
    rateLimit: { by: 'client', limit: { kind: 'token-bucket', perSecond: RATE_PER_SECOND, burst: RATE_PER_SECOND } },
    body: { bytesMax: 1_048_576 },
  }
  const upstream = { urls: [`http://127.0.0.1:${upstreamPort}`], policy }
  return {
    listen: { port: 0, hosts: ['bench.example'] },
    accessLog: LOGGED,
    upstreams: { monolith: upstream, service: upstream },
    routes: Array.from({ length: ROUTES }, (_, route) => ({
      id: `r${route}`,
      match: { path: `${pathOf(route)}/:id` },
      from: 'monolith',
      to: 'service',
      share: 50,
      stickyBy: { header: 'x-user' },
    })),
  }
}

/** nginx with what it has of the same: locations, a split by user, limits by client and in all, passive outlier ejection, retries, a sampled log. Counters by route, and a circuit breaker, it has not. */
export const fullNginx: ProxyProgram = {
  name: 'nginx',
  command: (file) => ['/usr/sbin/nginx', '-c', file, '-e', 'stderr'],
  isReady: (line) => line.includes('start worker process '),
  configuration: ([route], directory) => `
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
pid ${directory}/nginx.pid;
error_log stderr notice;
events { worker_connections 4096; }
http {
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  keepalive_requests 1000000000;
  split_clients "$request_id" $is_logged { ${LOGGED * 100}% 1; * 0; }
  split_clients "service\${http_x_user}" $side { 50% service; * monolith; }
  log_format full '$request_method $uri $status $request_id $remote_addr $upstream_addr $upstream_header_time $request_time';
  access_log ${directory}/access.log full if=$is_logged;
  limit_req_zone $binary_remote_addr zone=rate:10m rate=${RATE_PER_SECOND}r/s;
  limit_conn_zone $side zone=at_once:10m;
  limit_req zone=rate burst=10000 nodelay;
  limit_conn at_once ${AT_ONCE};
  client_max_body_size 1m;
  proxy_connect_timeout 1s;
  proxy_read_timeout 5s;
  proxy_next_upstream error timeout;
  proxy_next_upstream_tries 3;
  proxy_http_version 1.1;
  proxy_set_header Host $host;
  proxy_set_header Connection "";
  proxy_set_header X-Request-Id $request_id;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Host $host;
  proxy_set_header X-Forwarded-Proto $scheme;
  ${['monolith', 'service']
    .map(
      (name) =>
        `upstream ${name} { server 127.0.0.1:${route!.upstreamPort} max_fails=5 fail_timeout=10s; keepalive 64; keepalive_requests 1000000000; }`,
    )
    .join('\n  ')}
  server {
    listen 127.0.0.1:${route!.listenPort};
    ${Array.from({ length: ROUTES }, (_, index) => `location ${pathOf(index)}/ { proxy_pass http://$side; }`).join('\n    ')}
    location / { return 404; }
  }
}
`,
}
