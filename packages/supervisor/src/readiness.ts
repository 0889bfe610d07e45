import { get } from 'node:http'

export interface ReadinessOptions {
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** Asks `/readyz` once. @returns false for any answer but 200, for none, and when aborted */
export function isReady(port: number, options: ReadinessOptions): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(
      { host: '127.0.0.1', port, path: '/readyz', agent: false, headers: { connection: 'close' }, signal: options.signal },
      (response) => {
        response.resume()
        response.once('error', () => resolve(false))
        resolve(response.statusCode === 200)
      },
    )
    // Of silence, from the connection on.
    request.setTimeout(options.timeoutMs, () => request.destroy())
    request.once('error', () => resolve(false))
    request.once('close', () => resolve(false))
  })
}
