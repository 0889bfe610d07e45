import { spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installDebianPackages } from './debian.ts'
import { onFreePorts, startServer } from './server-process.ts'

/** One way through a proxy: requests below `/m/` go to this port of loopback. */
interface ProxyRoute {
  readonly listenPort: number
  readonly upstreamPort: number
}

/** A proxy of Debian's, configured as its manual does it for a service behind one path. */
export interface ProxyProgram {
  readonly name: 'nginx' | 'haproxy' | 'caddy'
  readonly command: (configuration: string) => readonly [program: string, ...flags: string[]]
  readonly configuration: (routes: readonly ProxyRoute[], directory: string) => string
  readonly isReady: (line: string) => boolean
}

export interface RunningProxy {
  /** Of the process that was started; nginx and HAProxy have workers below it. */
  readonly pid: number
  /** Where it listens, a port for each upstream. */
  readonly ports: readonly number[]
  readonly stop: () => Promise<void>
}

const BODY_BYTES_MAX = 1_048_576

export const nginx: ProxyProgram = {
  name: 'nginx',
  command: (file) => ['/usr/sbin/nginx', '-c', file, '-e', 'stderr'],
  isReady: (line) => line.includes('start worker process '),
  configuration: (routes, directory) => `
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
pid ${directory}/nginx.pid;
error_log stderr notice;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  client_header_timeout 1s;
  client_max_body_size ${BODY_BYTES_MAX};
  keepalive_requests 1000000000;
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
${routes
  .map(
    ({ listenPort, upstreamPort }, index) => `
  upstream up${index} { server 127.0.0.1:${upstreamPort}; keepalive 64; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${listenPort};
    location /m/ {
      proxy_pass http://up${index};
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Host $host;
      proxy_set_header X-Forwarded-Proto $scheme;
    }
    location / { return 404; }
  }`,
  )
  .join('')}
}
`,
}

export const haproxy: ProxyProgram = {
  name: 'haproxy',
  command: (file) => ['haproxy', '-W', '-db', '-f', file],
  isReady: (line) => line.includes('Loading success'),
  configuration: (routes) => `
global
  maxconn 4096
defaults
  mode http
  option forwardfor
  timeout connect 1s
  timeout client 30s
  timeout server 30s
  timeout http-request 1s
${routes
  .map(
    ({ listenPort, upstreamPort }, index) => `
frontend front${index}
  bind 127.0.0.1:${listenPort}
  http-request deny deny_status 404 unless { path_beg /m/ }
  http-request deny deny_status 413 if { req.hdr_val(content-length) gt ${BODY_BYTES_MAX} }
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Proto http
  default_backend back${index}
backend back${index}
  server up 127.0.0.1:${upstreamPort}`,
  )
  .join('')}
`,
}

export const caddy: ProxyProgram = {
  name: 'caddy',
  command: (file) => ['caddy', 'run', '--config', file, '--adapter', 'caddyfile'],
  isReady: (line) => line.includes('serving initial configuration'),
  configuration: (routes) => `
{
  admin off
  auto_https off
  servers {
    timeouts {
      read_header 1s
    }
  }
}
${routes
  .map(
    ({ listenPort, upstreamPort }) => `
http://:${listenPort} {
  bind 127.0.0.1
  handle /m/* {
    request_body {
      max_size ${BODY_BYTES_MAX}
    }
    reverse_proxy 127.0.0.1:${upstreamPort}
  }
  handle {
    respond 404
  }
}`,
  )
  .join('')}
`,
}

/** Installs Debian's packages of these proxies. @throws Error that says what to install */
export async function installProxies(): Promise<void> {
  const programs = ['nginx', 'haproxy', 'caddy']
  const absent = programs.filter((program) => versionOf(program) === undefined)
  if (absent.length === 0) return
  installDebianPackages(
    absent,
    `Not installed here: ${absent.join(', ')}. Debian: apt-get install --no-install-recommends ${absent.join(' ')}.`,
  )
}

/** The version of a proxy that is installed. */
export function versionOf(program: string): string | undefined {
  const { stdout, stderr, status } = spawnSync(
    '/bin/sh',
    ['-c', `PATH=$PATH:/usr/sbin; ${program} ${program === 'caddy' ? 'version' : '-v'}`],
    {
      encoding: 'utf8',
    },
  )
  return status === 0 ? /\d+\.\d+(?:\.\d+)?/.exec(stdout + stderr)?.[0] : undefined
}

/** Starts the proxy before these upstreams, on a free port for each. It ends with this process. */
export function startProxy(program: ProxyProgram, upstreamPorts: readonly number[]): Promise<RunningProxy> {
  return onFreePorts(upstreamPorts.length, {
    start: async (ports) => {
      const directory = mkdtempSync(join(tmpdir(), `seaworthy-${program.name}-`))
      const file = join(directory, 'configuration')
      writeFileSync(
        file,
        program.configuration(
          ports.map((listenPort, index) => ({ listenPort, upstreamPort: upstreamPorts[index]! })),
          directory,
        ),
      )
      const server = await startServer({
        name: program.name,
        command: program.command(file),
        directory,
        environment: { ...process.env, HOME: directory, XDG_CONFIG_HOME: directory, XDG_DATA_HOME: directory },
        isReady: program.isReady,
        startTimeoutMs: 20_000,
      })
      return { pid: server.pid, ports, stop: () => server.stop() }
    },
    isTaken: (message) => /in use|cannot bind/i.test(message),
  })
}
