/** Where one of two sides is, and how it is spoken to: as a gateway says it of an upstream. */
export interface SideAddress {
  /** `http://HOST:PORT` or `https://HOST:PORT`. */
  readonly url: URL
  /** Over TLS it is agreed on by ALPN; without TLS it has to be known beforehand. Default `http/1.1`. */
  readonly protocol?: 'http/1.1' | 'h2'
  /** For `https://` alone: whose certificates are taken, in PEM, and the name that one has to be for. Default: those that Node trusts, and the host. */
  readonly tls?: { readonly ca?: string; readonly serverName?: string }
  /** Whether it gets the Host that the client asked for in place of its own, as the client's request itself does. Default false. */
  readonly preserveHost?: boolean
}

/** The same as it crosses to the thread. */
export interface SideMessage extends Omit<SideAddress, 'url'> {
  readonly url: string
}

const addressOf = (side: URL | SideAddress): SideAddress => (side instanceof URL ? { url: side } : side)

export const messageOf = (side: URL | SideAddress): SideMessage => ({ ...addressOf(side), url: addressOf(side).url.href })

/** @returns what does not make sense of it; undefined where all does */
export function problemOf(side: URL | SideAddress): string | undefined {
  const { url, tls } = addressOf(side)
  const isTls = url.protocol === 'https:'
  if ((!isTls && url.protocol !== 'http:') || url.pathname !== '/') return `${url.href} is not http://HOST:PORT or https://HOST:PORT`
  return tls !== undefined && !isTls ? `${url.href} has settings for TLS, and is not https://` : undefined
}

/** For Node's own clients. */
export const secureOptions = ({ tls }: SideAddress): { readonly ca?: string; readonly servername?: string } => ({
  ...(tls?.ca !== undefined && { ca: tls.ca }),
  ...(tls?.serverName !== undefined && { servername: tls.serverName }),
})

/** What the Host of a request says, or its `:authority`. */
export const hostFor = ({ url, preserveHost = false }: SideAddress, host: string | undefined): string =>
  preserveHost && host !== undefined ? host : url.host
