// The application of an account to become a model, and what viewers read about the model.
import { defineEntity } from './define-entity.js';

export type ModelState = 'pending' | 'approved' | 'declined';

export interface ModelProfile {
  readonly userId: string;
  displayName: string;
  about: string;
  state: ModelState;
  /** Why it was declined; shown to the applicant. */
  reason: string | null;
  appliedAt: Date;
  decidedAt: Date | null;
  decidedBy: string | null;
}

export const ModelProfileEntity = defineEntity<ModelProfile>({
  name: 'ModelProfile',
  tableName: 'model_profile',
  columns: {
    userId: { name: 'user_id', type: 'bigint', unsigned: true, primary: true },
    displayName: { name: 'display_name', type: 'varchar', length: 30 },
    about: { type: 'varchar', length: 1000 },
    state: { type: 'varchar', length: 10 },
    reason: { type: 'varchar', length: 200, nullable: true },
    appliedAt: { name: 'applied_at', type: 'datetime', precision: 3 },
    decidedAt: { name: 'decided_at', type: 'datetime', precision: 3, nullable: true },
    decidedBy: { name: 'decided_by', type: 'bigint', unsigned: true, nullable: true },
  },
});
