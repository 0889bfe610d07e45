import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installProxies } from '../../test/servers/proxies.ts'
import { onFreePorts, startServer } from '../../test/servers/server-process.ts'

/** An upstream that answers with what it read: `<METHOD TARGET BYTES>`, where BYTES is `-` if it does not count its bodies. */
export interface FuzzedUpstream {
  readonly port: number
  readonly stop: () => Promise<void>
}

export const upstreams: Readonly<Record<string, () => Promise<FuzzedUpstream>>> = {
  node: startNode,
  nginx: startNginx,
  python: startPython,
}

async function startNode(): Promise<FuzzedUpstream> {
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    let bytes = 0
    request.on('data', (chunk: Buffer) => (bytes += chunk.length))
    request.on('end', () => response.end(`<${request.method} ${request.url} ${bytes}>`))
  })
  // As a server that takes the body at once.
  server.on('checkContinue', (request, response) => {
    response.writeContinue()
    server.emit('request', request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function startNginx(): Promise<FuzzedUpstream> {
  await installProxies()
  return onFreePorts(1, {
    start: async ([port]) => {
      const directory = mkdtempSync(join(tmpdir(), 'seaworthy-fuzz-'))
      const file = join(directory, 'nginx.conf')
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
        .map((name) => `${name}_temp_path ${directory}/${name};`)
        .join(' ')
      writeFileSync(
        file,
        `daemon off; ${process.getuid?.() === 0 ? 'user root;' : ''} worker_processes 1; pid ${directory}/nginx.pid; error_log stderr notice;
events {} http { access_log off; keepalive_requests 1000000000; ${temporary}
server { listen 127.0.0.1:${port}; location / { return 200 "<$request_method $request_uri ->"; } } }`,
      )
      const server = await startServer({
        name: 'nginx',
        command: ['/usr/sbin/nginx', '-c', file, '-e', 'stderr'],
        directory,
        isReady: (line) => line.includes('start worker process '),
      })
      return { port: port!, stop: () => server.stop() }
    },
    isTaken: (message) => message.includes('in use'),
  })
}

// Reads sizes as careless programs do: int() takes a sign, an underscore, white space and 0x where the grammar takes none.
const PYTHON = `
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body in one segment: else the second would wait for an acknowledgement, which is late by intention.
    wbufsize = -1
    disable_nagle_algorithm = True
    def answer(self):
        body = b""
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip(): pass
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        text = f"<{self.command} {self.path} {len(body)}>".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    do_GET = do_POST = do_PUT = do_DELETE = answer
    def log_message(self, *args): pass
ThreadingHTTPServer.allow_reuse_address = False
server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Echo)
print("ready", flush=True)
server.serve_forever()
`

async function startPython(): Promise<FuzzedUpstream> {
  return onFreePorts(1, {
    start: async ([port]) => {
      const directory = mkdtempSync(join(tmpdir(), 'seaworthy-fuzz-'))
      const file = join(directory, 'echo.py')
      writeFileSync(file, PYTHON)
      const server = await startServer({
        name: "Python's http.server",
        command: ['python3', file, String(port)],
        directory,
        isReady: (line) => line === 'ready',
        endSignal: 'KILL',
      })
      return { port: port!, stop: () => server.stop() }
    },
    isTaken: (message) => message.includes('in use'),
  })
}
