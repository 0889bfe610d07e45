import { createHash, timingSafeEqual } from 'node:crypto'

/** What of a request says who sent it. */
export interface Credentials {
  /** Of the connection's other end. */
  readonly address: string | undefined
  /** The header `authorization`. */
  readonly authorization: string | undefined
  /** The token that the console's own cookie holds. */
  readonly cookie?: string | undefined
  /** It was passed on by a proxy, whose address says nothing about who asks. */
  readonly isForwarded?: boolean
}

/** Who may ask: everybody on this machine, and from elsewhere whoever has the token. */
export type Access = (credentials: Credentials) => boolean

/** Without a token nobody from elsewhere may; then the console listens on loopback alone. */
export function accessBy(token: string | undefined): Access {
  return ({ address, authorization, cookie, isForwarded = false }) => {
    if (isLoopback(address ?? '') && !isForwarded) return true
    if (token === undefined) return false
    const bearer = /^bearer +(?<token>\S+)$/i.exec(authorization ?? '')?.groups?.['token']
    return isSame(bearer, token) || isSame(cookie, token)
  }
}

export function isLoopback(address: string): boolean {
  return address === '::1' || address === 'localhost' || /^(?:::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(address)
}

/** In a time that does not tell how much of it was right. */
export function isSame(given: string | undefined, token: string): boolean {
  return given !== undefined && timingSafeEqual(digest(given), digest(token))
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
