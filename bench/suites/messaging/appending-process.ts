import { perSecond } from './order.ts'

const [module = '', name = '', writers, appends] = process.argv.slice(2)
const exported = (await import(module)) as Record<string, () => Promise<() => Promise<unknown>>>
await perSecond(Number(appends), Number(writers), await exported[name]!())
process.exit()
