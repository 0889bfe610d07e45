/** The shop's payments as a service of its own, at the release that its environment names. */
import { runService } from '../../shop/platform/run-service.ts'
import { payments } from '../../shop/services/payments/composition.ts'
import { releaseOf, withSlips } from './planted-defect.ts'

const sound = payments()

await runService(
  releaseOf(process.env) === 'sound'
    ? sound
    : {
        ...sound,
        wire: ({ outbox, ...ports }) =>
          sound.wire({ ...ports, outbox: withSlips(outbox, (slip) => ports.logger.info({ slip }, 'a slip was printed')) }),
      },
)
