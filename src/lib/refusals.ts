/** Why was I refused at 10:42: a refused write leaves no trace in the database, so the app tells it afterwards. */
import { ApiError } from './apiError.ts';
import { getSupabase } from './supabase.ts';

/**
 * Runs a write that may pass a limit; when the limit refuses it, has the database record the refusal with the
 * decision it computes itself. The record is a courtesy: its own failure hides nothing and holds nothing up.
 * @throws what the write throws
 */
export async function recordingRefusals<Result>(write: () => Promise<Result>): Promise<Result> {
  try {
    return await write();
  } catch (error) {
    if (error instanceof ApiError && error.decision) {
      const { resource, requested } = error.decision;
      void getSupabase()
        .rpc('report_refusal', { p_restriction_type: resource, p_requested: requested })
        .then(undefined, () => undefined);
    }
    throw error;
  }
}
