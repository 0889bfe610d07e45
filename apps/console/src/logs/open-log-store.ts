import { type OnDamaged, orAnew } from '../store/open-trace-store.ts'
import { LogStore } from './log-store.ts'

/** Opens the file of logs; one that is damaged is set aside, as for traces. */
export function openLogStore(
  config: { readonly logsPath: string; readonly logBytesMax: number; readonly logAgeMaxMs: number },
  onDamaged: OnDamaged,
): Promise<LogStore> {
  const { logsPath: path, logBytesMax: bytesMax, logAgeMaxMs: ageMaxMs } = config
  return orAnew(path, () => LogStore.open({ path, bytesMax, ageMaxMs }), onDamaged)
}
