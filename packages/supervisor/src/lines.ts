import type { Socket } from 'node:net'

const LINE_LENGTH_MAX = 1024 * 1024

/** Hands on each whole line. A peer whose line does not end within 1 MiB is cut off. */
export function onLines(socket: Socket, onLine: (line: string) => void): void {
  let rest = ''
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.trim() !== '') onLine(line)
    if (rest.length > LINE_LENGTH_MAX) socket.destroy()
  })
}
