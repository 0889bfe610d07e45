import { Agent as PlainAgent, request as plainRequest } from 'node:http'
import { Agent as TlsAgent, request as tlsRequest } from 'node:https'
import { hostFor, secureOptions, type SideAddress } from './side-address.ts'
import { headerLines, KeptBody, type Wire } from './wire.ts'

// Shorter than what servers keep a connection.
const IDLE_MS = 4_000

/** A side that speaks HTTP/1.1, over TLS or not. */
export function http1Wire(
  address: SideAddress,
  { connectionsMax, bodyBytesMax }: { readonly connectionsMax: number; readonly bodyBytesMax: number },
): Wire {
  const { url } = address
  const isTls = url.protocol === 'https:'
  const keeping = { keepAlive: true, maxSockets: connectionsMax, timeout: IDLE_MS }
  const agent = isTls ? new TlsAgent({ ...keeping, ...secureOptions(address) }) : new PlainAgent(keeping)
  const ask = isTls ? tlsRequest : plainRequest
  // In a URL an IPv6 address stands in brackets, in an address it does not.
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  return {
    send: ({ method, target, headers, host: asked }, signal) =>
      new Promise((resolve, reject) => {
        const sent = ask(
          // A raw list keeps repeated headers apart.
          { host, port: url.port, method, path: target, agent, signal, headers: ['host', hostFor(address, asked), ...headers.flat()] },
          (response) => {
            const body = new KeptBody(bodyBytesMax)
            response.on('data', (chunk: Buffer) => body.add(chunk))
            response.on('error', reject)
            response.on('end', () => {
              if (response.complete) resolve({ status: response.statusCode!, headers: headerLines(response.rawHeaders), body: body.value })
              else reject(new Error('it broke off'))
            })
          },
        )
        sent.on('error', reject)
        sent.end()
      }),
    [Symbol.dispose]: () => agent.destroy(),
  }
}
