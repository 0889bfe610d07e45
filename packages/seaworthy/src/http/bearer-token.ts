import { createHash, timingSafeEqual } from 'node:crypto'

/** Whether a header `authorization` holds the token, as RFC 6750 writes it: `Bearer TOKEN`. */
export function hasBearerToken(authorization: string | undefined, token: string): boolean {
  return isSameSecret(/^bearer +(?<token>\S+)$/i.exec(authorization ?? '')?.groups?.['token'], token)
}

/** In a time that does not tell how much of it was right, nor how long it should be. */
export function isSameSecret(given: string | undefined, secret: string): boolean {
  return given !== undefined && timingSafeEqual(digest(given), digest(secret))
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
