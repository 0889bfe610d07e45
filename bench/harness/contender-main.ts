import type { Answer } from './contender-process.ts'
import type { Contender } from './suite.ts'

const [module = '', name = '', effort] = process.argv.slice(2)
const send = (answer: Answer) => process.send?.(answer)

process.on('disconnect', () => process.exit())
try {
  const contenders = (await import(module)) as Record<string, Contender | undefined>
  const contender = contenders[name]
  if (contender === undefined) throw new Error(`${module} exports no ${name}`)
  const measure = await contender({ quick: effort === 'quick' })
  process.on('message', () => {
    measure().then(
      (figure) => send({ figure }),
      (error: unknown) => send({ failure: describe(error) }),
    )
  })
  send({ ready: true })
} catch (error) {
  send({ failure: describe(error) })
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
