import { request } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { request as requestTls } from 'node:https'
import type { AddressedUpstream } from '@seaworthy/http-proxy'

/** Where an instance is, and how it is spoken to. */
export type InstanceAddress = Pick<AddressedUpstream, 'url' | 'protocol' | 'tls'>

const HEADERS = { 'user-agent': 'seaworthy-gateway-health-check' }

/**
 * Asks an instance once, on a connection of its own: a process that takes no new ones is not well.
 * @param heard gets the status of the answer, or undefined where there is none; possibly more than once
 * @returns what ends the connection
 */
export function askHealth(address: InstanceAddress, path: string, heard: (status: number | undefined) => void): () => void {
  const { url, protocol, tls } = address
  const secure = { ...(tls?.ca !== undefined && { ca: tls.ca }), ...(tls?.serverName !== undefined && { servername: tls.serverName }) }
  if (protocol === 'h2') {
    const session = connectHttp2(url, secure).on('error', () => heard(undefined))
    session
      .request({ ':path': path, ...HEADERS })
      .on('response', (headers) => heard(headers[':status']))
      .on('error', () => heard(undefined))
      .end()
    return () => session.destroy()
  }
  const ask = url.protocol === 'https:' ? requestTls : request
  const asked = ask(new URL(path, url), { agent: false, headers: HEADERS, ...secure })
    .on('response', ({ statusCode }) => heard(statusCode))
    .on('error', () => heard(undefined))
  asked.end()
  return () => asked.destroy()
}
