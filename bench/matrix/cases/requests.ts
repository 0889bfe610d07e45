/** Requests as the matrix writes them. */

/** A POST with these field lines behind Host. */
export const post = (lines: string, body = '', target = '/m/x'): string => `POST ${target} HTTP/1.1\r\nHost: a\r\n${lines}\r\n\r\n${body}`

/** A GET with these field lines behind Host, none by default. */
export const get = (target = '/m/x', lines = ''): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n${lines === '' ? '' : `${lines}\r\n`}\r\n`

/** A request that would be another's if it were taken for one. */
export const SMUGGLED = 'GET /m/smuggled HTTP/1.1\r\nHost: a\r\n\r\n'

export const CHUNKS = '5\r\nhello\r\n0\r\n\r\n'
export const TE = 'Transfer-Encoding: chunked'
