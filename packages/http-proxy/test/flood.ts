import { once } from 'node:events'
import { type ClientRequest, request as httpRequest } from 'node:http'
import type { TestContext } from 'node:test'
import { type TestUpstream, until, upstream } from './rig.ts'

/** More than every buffer on the way holds. */
export const FLOOD_BYTES = 32 * 1_048_576

const CHUNK = Buffer.alloc(65_536)

interface Sink {
  write(chunk: Buffer): boolean
  once(event: 'drain', listener: () => void): unknown
  end(): unknown
}

/** Writes as fast as the other side takes it. @returns how many bytes were handed over so far */
function flood(sink: Sink): () => number {
  let written = 0
  const write = () => {
    while (written < FLOOD_BYTES) {
      written += CHUNK.length
      if (!sink.write(CHUNK)) return void sink.once('drain', write)
    }
    sink.end()
  }
  write()
  return () => written
}

/** An upstream whose answer is more than fits anywhere. */
export async function floodingUpstream(t: TestContext): Promise<TestUpstream & { readonly written: () => number }> {
  let written = () => 0
  const up = await upstream(t, (request, response) => {
    request.resume()
    written = flood(response)
  })
  return Object.assign(up, { written: () => written() })
}

/** An upstream that reads no body before it is told to. */
export async function thirstlessUpstream(t: TestContext): Promise<TestUpstream & { readonly drink: () => Promise<void> }> {
  let drink: (() => void) | undefined
  const up = await upstream(t, (request, response) => {
    request.pause()
    request.removeAllListeners('data')
    drink = () => {
      request.resume()
      request.on('end', () => response.end('read'))
    }
  })
  return Object.assign(up, {
    drink: async () => {
      await until(() => drink !== undefined, 'the request arrives')
      drink!()
    },
  })
}

/** A client that sends more than fits anywhere. */
export function floodingClient(port: number, path: string): { readonly request: ClientRequest; readonly written: () => number } {
  const request = httpRequest({ port, method: 'POST', path, agent: false, headers: { 'content-length': FLOOD_BYTES } })
  return { request, written: flood(request) }
}

/** A client that reads nothing of its answer before it is told to. */
export async function thirstlessClient(port: number, path: string): Promise<{ readonly drink: () => Promise<number> }> {
  const request = httpRequest({ port, path, agent: false }).end()
  const [response] = await once(request, 'response')
  response.pause()
  return {
    drink: async () => {
      let read = 0
      response.on('data', (chunk: Buffer) => (read += chunk.length))
      response.resume()
      await once(response, 'end')
      return read
    },
  }
}
