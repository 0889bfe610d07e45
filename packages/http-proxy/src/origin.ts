import { BlockList, isIP, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { ConfigurationError } from 'seaworthy/core'
import type { Peer } from './admission.ts'
import type { Fields } from './head.ts'

/** Proxies whose word on where a request came from is taken. */
export class TrustedProxies {
  readonly #list = new BlockList()
  readonly #isEmpty: boolean

  /** @param networks addresses, or networks such as `10.0.0.0/8`. @throws ConfigurationError for anything else */
  constructor(networks: readonly string[]) {
    this.#isEmpty = networks.length === 0
    for (const network of networks) this.#add(network)
  }

  has(address: string): boolean {
    const version = isIP(address)
    return !this.#isEmpty && version !== 0 && this.#list.check(address, version === 6 ? 'ipv6' : 'ipv4')
  }

  #add(network: string): void {
    const [address = '', prefix, ...more] = network.split('/')
    const version = isIP(address)
    const bits = prefix === undefined ? undefined : Number(prefix)
    const isSound =
      version !== 0 && more.length === 0 && (prefix === undefined || (/^\d{1,3}$/.test(prefix) && bits! <= (version === 6 ? 128 : 32)))
    if (!isSound) throw new ConfigurationError(`Trusted proxy ${network} is neither an address nor a network such as 10.0.0.0/8.`)
    const family = version === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) this.#list.addAddress(address, family)
    else this.#list.addSubnet(address, bits, family)
  }
}

/** Who is at the other end of a client's connection. */
export function peerOf(socket: Socket, trusted: TrustedProxies): Peer {
  const address = peerAddress(socket.remoteAddress)
  return { address, isTrusted: trusted.has(address), scheme: socket instanceof TLSSocket ? 'https' : 'http' }
}

/** The address of a socket's other end, an IPv4 one also where IPv6 listens. */
export function peerAddress(remoteAddress: string | undefined): string {
  if (remoteAddress === undefined) return 'unknown'
  return remoteAddress.startsWith('::ffff:') ? remoteAddress.slice('::ffff:'.length) : remoteAddress
}

// RFC 9110, section 7.2: host and port; no user, no path.
export const HOST = /^(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/
const CHAIN_LENGTH_MAX = 1_024

/**
 * The fields that tell the upstream where a request came from. What a client says of itself there is worth nothing and is
 * replaced; what a trusted proxy says, where it holds, is continued.
 */
export function originLines(fields: Fields, { address, isTrusted, scheme }: Peer, host: string | undefined): string {
  const chain = isTrusted ? soundChain(fields.get('x-forwarded-for')) : undefined
  const statedHost = isTrusted ? fields.get('x-forwarded-host') : undefined
  const statedProtocol = isTrusted ? fields.get('x-forwarded-proto')?.toLowerCase() : undefined
  const forwardedHost = statedHost !== undefined && HOST.test(statedHost) ? statedHost : host
  const protocol = statedProtocol === 'https' || statedProtocol === 'http' ? statedProtocol : scheme
  const hostLine = forwardedHost === undefined ? '' : `x-forwarded-host: ${forwardedHost}\r\n`
  return `x-forwarded-for: ${chain === undefined ? address : `${chain}, ${address}`}\r\n${hostLine}x-forwarded-proto: ${protocol}\r\n`
}

/** Whom a request is from: the other end, or whom that names last, if it is a proxy whose word is taken. */
export function clientAddress(fields: Fields, peer: string, isTrusted: boolean): string {
  return (isTrusted ? soundChain(fields.get('x-forwarded-for'))?.split(', ').at(-1) : undefined) ?? peer
}

function soundChain(stated: string | undefined): string | undefined {
  if (stated === undefined || stated.length > CHAIN_LENGTH_MAX) return undefined
  const addresses = stated.split(',').map((address) => address.trim())
  return addresses.every((address) => isIP(address) !== 0) ? addresses.join(', ') : undefined
}
