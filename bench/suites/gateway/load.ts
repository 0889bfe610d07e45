import { connect } from 'node:net'

export interface Load {
  readonly port: number
  readonly path: string
  readonly requests: number
  /** Connections, each kept and with one request at a time. */
  readonly concurrency: number
}

/** Makes the requests on raw sockets, so that the caller's own cost leaves the processor to the proxy. @throws when an answer is not 200, or not as long as the first */
export async function drive({ port, path, requests, concurrency }: Load): Promise<void> {
  const request = Buffer.from(
    `GET ${path} HTTP/1.1\r\nHost: bench.example\r\nUser-Agent: bench\r\nAccept: */*\r\nAccept-Encoding: gzip, br\r\n\r\n`,
  )
  const budget = { left: requests }
  await Promise.all(Array.from({ length: concurrency }, () => converse(port, request, budget)))
}

function converse(port: number, request: Buffer, budget: { left: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    let length = 0
    let received = 0
    let head = ''
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const next = () => {
      if (budget.left-- <= 0) {
        socket.destroy()
        resolve()
      } else {
        received = 0
        socket.write(request)
      }
    }
    const fail = (why: string) => {
      socket.destroy()
      reject(new Error(`port ${port}: ${why}`))
    }
    socket.once('connect', next)
    socket.on('error', reject)
    socket.on('close', () => fail('closed the connection'))
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length
      if (length === 0) {
        head += chunk.toString('latin1')
        length = lengthOf(head)
        if (length === 0) return
        if (!head.startsWith('HTTP/1.1 200')) return fail(head.slice(0, 60))
      }
      // All answers are alike, so the first tells how long each is.
      if (received === length) next()
      else if (received > length) fail(`an answer of ${received} bytes after one of ${length}`)
    })
  })
}

/** The bytes of the whole message whose beginning this is; 0 while its head is not there. */
function lengthOf(text: string): number {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return 0
  const body = /\r\ncontent-length: (\d+)\r\n/i.exec(text.slice(0, end + 2))?.[1]
  if (body === undefined) throw new Error('The answer has no Content-Length.')
  return end + 4 + Number(body)
}
