import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type Socket, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { run } from '@seaworthy/cli'
import type { QuestionName, Questions } from '@seaworthy/supervisor/management'

export type Answers = {
  readonly [Name in QuestionName]?: (parameters: Record<string, unknown>, service: string) => Questions[Name]['answer'] | undefined
}

/** A supervisor of these processes that answers as `answers` say, and the command line in front of it. */
export async function supervised(t: TestContext, answers: Answers, processes: readonly string[] = []) {
  const folder = mkdtempSync(join(tmpdir(), 'cli-supervised-'))
  const asked: Record<string, unknown>[] = []
  const connections = new Set<Socket>()
  const server = createServer((socket) => {
    connections.add(socket)
    socket.on('error', () => undefined)
    socket.once('data', (line) => {
      const { command, service, question, parameters, by } = JSON.parse(line.toString()) as {
        command: string
        service: string
        question: QuestionName
        parameters: Record<string, unknown>
        by?: string
      }
      if (by !== undefined) asked.push({ ...parameters, by })
      const result = command === 'status' ? { processes: processes.map((name) => ({ name })) } : answers[question]?.(parameters, service)
      const error = { code: 'not-found', message: `There is no ${question}.`, executed: 'no' }
      socket.write(`${JSON.stringify(result === undefined ? { ok: false, error } : { ok: true, result })}\n`)
    })
  })
  const controlSocket = join(folder, 'control.sock')
  await new Promise<void>((resolve) => server.listen(controlSocket, resolve))
  t.after(() => {
    for (const connection of connections) connection.destroy()
    server.close()
    rmSync(folder, { recursive: true })
  })
  writeFileSync(join(folder, 'run.json'), JSON.stringify({ supervisorPid: 1, controlSocket, processes: [] }))
  return {
    asked,
    run: async (...args: string[]) => {
      const lines: string[] = []
      const add = (text: string) => void lines.push(...text.split('\n'))
      const code = await run([...args, `--data-dir=${folder}`], { env: {}, print: add, printError: add })
      return { code, lines }
    },
  }
}
