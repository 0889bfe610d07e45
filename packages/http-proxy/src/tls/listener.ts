import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type Server as TlsServer, type TLSSocket } from 'node:tls'
import { ConfigurationError } from 'seaworthy/core'
import type { HttpProxyLimits } from '../limits.ts'
import { type Certificate, CertificateTable, MIN_VERSION } from './certificates.ts'

/** Where clients connect to. */
export interface Listener {
  readonly server: Server
  /** Later handshakes get these; connections that are open go on. @throws ConfigurationError, and then nothing has changed */
  useCertificates(certificates: readonly Certificate[]): void
}

export interface ListenerOptions {
  readonly limits: HttpProxyLimits
  /** @param protocol what was agreed on by ALPN; undefined where nothing was */
  readonly onConnection: (socket: Socket, protocol: string | undefined) => void
}

export function plainListener({ onConnection }: ListenerOptions): Listener {
  return {
    server: createServer({ noDelay: true, allowHalfOpen: true }, (socket) => onConnection(socket, undefined)),
    useCertificates: () => {
      throw new ConfigurationError('The proxy listens without TLS: it takes certificates when it is made.')
    },
  }
}

/** @throws ConfigurationError when a certificate is none */
export function tlsListener(certificates: readonly Certificate[], { limits, onConnection }: ListenerOptions): Listener {
  let table = new CertificateTable(certificates)
  const server: TlsServer = createTlsServer(
    {
      ...certificates[0],
      minVersion: MIN_VERSION,
      // Without a common one, a client that offers some is refused by an alert (RFC 7301, section 3.2).
      ALPNProtocols: ['h2', 'http/1.1'],
      SNICallback: (name, done) => done(null, table.contextFor(name)),
      handshakeTimeout: limits.headersTimeoutMs,
      noDelay: true,
      allowHalfOpen: true,
    },
    (socket: TLSSocket) => onConnection(socket, socket.alpnProtocol || undefined),
  )
  return {
    server,
    useCertificates: (changed) => {
      table = new CertificateTable(changed)
      // For clients that ask for no name.
      server.setSecureContext({ ...changed[0], minVersion: MIN_VERSION })
    },
  }
}
