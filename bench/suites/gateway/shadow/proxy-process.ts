import { createHttpProxy, growYoungGenerationAtOnce } from '@seaworthy/http-proxy'
import { shadowing } from '@seaworthy/strangler/compare'

/** A proxy before the monolith, whose reads are all compared or none: `proxy-process.ts shadowed|plain MONOLITH_PORT SERVICE_PORT`. Tells its port, and, asked, how much was compared. */
// As the gateway does it.
growYoungGenerationAtOnce()
const [mode, monolithPort, servicePort] = process.argv.slice(2)
const monolith = new URL(`http://127.0.0.1:${monolithPort}`)
const shadow = mode === 'shadowed' ? shadowing({ onDefect: console.error }) : undefined
shadow?.set('all', { monolith, service: new URL(`http://127.0.0.1:${servicePort}`), limits: { perSecondMax: 10_000 } })
const proxy = createHttpProxy({
  routes: [{ path: '/*', service: 'monolith' }],
  upstreams: new Map([['monolith', monolith]]),
  ...(shadow !== undefined && {
    tap: { bodyBytesMax: 262_144, tapOf: ({ method, target, endToEnd }) => shadow.tapOf('all', { method, target, lines: endToEnd }) },
  }),
})
process.on('disconnect', () => process.exit())
process.on('message', () => void tellCompared())
process.send?.({ port: await proxy.listen(0) })

async function tellCompared(): Promise<void> {
  const { all } = (await shadow?.report(AbortSignal.timeout(10_000))) ?? {}
  process.send?.({ compared: all?.endpoints.reduce((sum, { verdicts }) => sum + verdicts.equal, 0) ?? 0 })
}
