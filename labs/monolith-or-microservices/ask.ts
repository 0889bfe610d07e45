import { Agent, request } from 'node:http'

export interface Request {
  readonly method?: 'GET' | 'POST'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: object
}

export interface Answered {
  readonly status: number
  readonly text: string
}

/** Longer than anybody has to wait for a process to come back. */
const PATIENCE_MS = 30_000

/** A way to the shop over connections that are kept: `fetch` would take more of the processor than what is measured leaves. */
export class Asking implements Disposable {
  readonly #url: string
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 512 })

  constructor(url: string) {
    this.#url = url
  }

  /** @throws what the connection came to, where there is no answer */
  ask({ method = 'GET', path, headers = {}, body }: Request): Promise<Answered> {
    const text = body === undefined ? undefined : JSON.stringify(body)
    return new Promise((resolve, reject) => {
      const sent = request(
        new URL(path, this.#url),
        {
          method,
          agent: this.#agent,
          signal: AbortSignal.timeout(PATIENCE_MS),
          headers: {
            ...headers,
            ...(text !== undefined && { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }),
          },
        },
        (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.once('error', reject)
          response.once('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }))
        },
      )
      sent.once('error', reject)
      sent.end(text)
    })
  }

  /** @throws an Error with what was answered, where that is no success */
  async json<Body>(asked: Request): Promise<Body> {
    const { status, text } = await this.ask(asked)
    if (status >= 300) throw new Error(`${asked.path}: ${status} ${text}`)
    return JSON.parse(text) as Body
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }
}
