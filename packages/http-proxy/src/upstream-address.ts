import { X509Certificate } from 'node:crypto'
import { connect, type Socket, type SocketConstructorOpts } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls'
import { ConfigurationError } from 'seaworthy/core'
import { MIN_VERSION } from './tls/certificates.ts'

/** How an upstream's certificate is looked at. */
export interface UpstreamTls {
  /** Certificates of the authorities that it must be signed by, in PEM. Default: those that Node trusts. */
  readonly ca?: string
  /** The name that is asked for, and that its certificate must be for. Default: the host of its URL. */
  readonly serverName?: string
}

export interface AddressedUpstream {
  readonly name: string
  /** `http://HOST:PORT`, or `https://HOST:PORT` over TLS. */
  readonly url: URL
  /** What it speaks. `h2` over TLS is agreed on by ALPN; without TLS it has to be known beforehand. Default `http/1.1`. */
  readonly protocol?: 'http/1.1' | 'h2'
  /** Whether it gets the client's Host instead of its own address: see {@link UpstreamAddress.hostFor}. Default false. */
  readonly preserveHost?: boolean
  /** For `https://` alone. */
  readonly tls?: UpstreamTls
}

interface DialOptions {
  readonly onread?: SocketConstructorOpts['onread']
}

/** Where an upstream is, and how a connection to it is made. */
export class UpstreamAddress {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly authority: string
  readonly scheme: 'http' | 'https'
  readonly protocol: 'http/1.1' | 'h2'
  readonly #preserveHost: boolean
  readonly #serverName: string | undefined
  readonly #secureContext: SecureContext | undefined

  /** @throws ConfigurationError when the URL is none of an upstream, or its CA is no certificate */
  constructor({ name, url, protocol = 'http/1.1', preserveHost = false, tls }: AddressedUpstream) {
    const isTls = url.protocol === 'https:'
    if ((!isTls && url.protocol !== 'http:') || url.pathname !== '/' || url.search !== '' || url.username !== '')
      throw new ConfigurationError(`Upstream ${name} is at ${url.href}; expected http://HOST:PORT or https://HOST:PORT.`)
    if (tls !== undefined && !isTls)
      throw new ConfigurationError(`Upstream ${name} has settings for TLS, but is at ${url.href}; expected https://HOST:PORT.`)
    this.name = name
    // In a URL an IPv6 address stands in brackets, in an address it does not.
    this.host = url.hostname.replace(/^\[(.*)\]$/, '$1')
    this.port = Number(url.port || (isTls ? 443 : 80))
    this.authority = url.host
    this.scheme = isTls ? 'https' : 'http'
    this.protocol = protocol
    this.#preserveHost = preserveHost
    this.#serverName = tls?.serverName
    this.#secureContext = isTls ? clientContext(name, tls?.ca) : undefined
  }

  /**
   * What the Host field says. An application that makes absolute addresses of its Host, or compares them with it (redirects, WebDAV's Destination, the
   * origin of a form), must get the client's; one among several on an address is found by that address.
   */
  hostFor({ host }: { readonly host: string | undefined }): string {
    return this.#preserveHost && host !== undefined ? host : this.authority
  }

  /** What a socket of {@link dial} emits when bytes may be sent. */
  get readyEvent(): 'connect' | 'secureConnect' {
    return this.#secureContext === undefined ? 'connect' : 'secureConnect'
  }

  /** Begins a connection. What is wrong with the other side's certificate is an error of the socket, before anything is sent. */
  dial({ onread }: DialOptions = {}): Socket {
    const options = { host: this.host, port: this.port, noDelay: true, allowHalfOpen: true, ...(onread !== undefined && { onread }) }
    if (this.#secureContext === undefined) return connect(options)
    const servername = this.#serverName
    return connectTls({
      ...options,
      secureContext: this.#secureContext,
      ALPNProtocols: [this.protocol],
      ...(servername !== undefined && { servername }),
    })
  }
}

function clientContext(name: string, ca: string | undefined): SecureContext {
  try {
    // Which by itself takes no notice of a CA that is none, and trusts nobody.
    if (ca !== undefined) void new X509Certificate(ca)
    return createSecureContext({ minVersion: MIN_VERSION, ...(ca !== undefined && { ca }) })
  } catch (cause) {
    throw new ConfigurationError(`The CA of upstream ${name} is no certificate in PEM.`, { cause })
  }
}
