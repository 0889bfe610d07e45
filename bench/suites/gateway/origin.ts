import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onFreePorts, startServer } from '../../../test/servers/server-process.ts'

/** What the upstream has: a small answer and a large one. */
export const SMALL = { path: '/m/small', bytes: 300 } as const
export const LARGE = { path: '/m/large', bytes: 102_400 } as const

export interface Origin {
  readonly pid: number
  readonly port: number
  readonly stop: () => Promise<void>
}

/** An nginx that answers from files, and below `/api/` with a small answer to any path, as the upstream of every proxy: cheap, and nobody's kin. */
export function startOrigin(): Promise<Origin> {
  return onFreePorts(1, {
    start: async ([port]) => {
      const directory = mkdtempSync(join(tmpdir(), 'seaworthy-origin-'))
      mkdirSync(join(directory, 'm'))
      for (const { path, bytes } of [SMALL, LARGE]) writeFileSync(join(directory, path), 'x'.repeat(bytes))
      const file = join(directory, 'nginx.conf')
      writeFileSync(
        file,
        `
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
pid ${directory}/nginx.pid;
error_log stderr notice;
events { worker_connections 4096; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  open_file_cache max=10;
  keepalive_requests 1000000000;
  client_body_temp_path ${directory}/t1; proxy_temp_path ${directory}/t2; fastcgi_temp_path ${directory}/t3;
  uwsgi_temp_path ${directory}/t4; scgi_temp_path ${directory}/t5;
  server {
    listen 127.0.0.1:${port};
    root ${directory};
    location /api/ { default_type text/plain; return 200 "${'x'.repeat(SMALL.bytes)}"; }
  }
}
`,
      )
      const server = await startServer({
        name: 'nginx',
        command: ['/usr/sbin/nginx', '-c', file, '-e', 'stderr'],
        directory,
        isReady: (line) => line.includes('start worker process '),
      })
      return { pid: server.pid, port: port!, stop: () => server.stop() }
    },
    isTaken: (message) => message.includes('in use'),
  })
}
