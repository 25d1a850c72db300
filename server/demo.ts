/** Password of every demo account; `database/seeds` stores its hash. */
export const DEMO_PASSWORD = 'Demo-epilot-2025';

/** The accounts of the demo data that are announced at start. */
export const DEMO_ACCOUNTS: readonly { email: string; who: string }[] = [
  { email: 'superadmin@epilot.demo', who: 'super admin' },
  { email: 'vianney@lamarelle.demo', who: 'group admin of LAMARELLE (plan Pro)' },
  { email: 'admin@ngongo.demo', who: 'group admin of CG NGONGO (plan Gratuit, at its school limit)' },
  { email: 'admin@edja.demo', who: 'group admin of ÉCOLE EDJA (plan Premium, 85 % of its students)' },
  { email: 'secretariat@lamarelle.demo', who: 'school staff of LAMARELLE' },
];
