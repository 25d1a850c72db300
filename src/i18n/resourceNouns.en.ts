import type { Resource } from '../core/entitlements.ts';
import type { ResourceNouns } from '../core/resources.ts';

/** What each resource is called in English; `RESOURCE_INFO` has the French. */
export const englishNouns: Record<Resource, ResourceNouns> = {
  schools: {
    name: 'Schools',
    one: 'school',
    many: 'schools',
    oneLeft: 'left',
    manyLeft: 'left',
    wayOut: 'Archive a school, or ask for a higher plan.',
  },
  students: {
    name: 'Students',
    one: 'student',
    many: 'students',
    oneLeft: 'left',
    manyLeft: 'left',
    wayOut: 'Deactivate students who left, or ask for a higher plan.',
  },
  staff: {
    name: 'Staff',
    one: 'staff member',
    many: 'staff members',
    oneLeft: 'left',
    manyLeft: 'left',
    wayOut: 'Deactivate staff accounts, or ask for a higher plan.',
  },
  storage: {
    name: 'Storage',
    one: '',
    many: '',
    oneLeft: 'left',
    manyLeft: 'left',
    wayOut: 'Delete documents, or ask for a higher plan.',
  },
};
