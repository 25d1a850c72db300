-- 007 · Exceptions: a limit set for one group, a module opened or closed for it, a quantity granted for a
-- time. What they do to limits and modules is worked out in 002.

create function private.add_override(p_school_group_id uuid, p_kind text,
    p_resource public.resource, p_amount bigint, p_module_id uuid, p_reason text, p_expires_at timestamptz)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare
  v_reason constant text := private.require_reason(p_reason);
  v_id uuid; v_rev bigint; v_replaces uuid;
begin
  perform private.require_future(p_expires_at);
  perform private.lock_group(p_school_group_id);
  -- One limit a resource, one word on a module: the exception before is ended, not rewritten. One that its
  -- date has ended already, and that no job has closed yet, is nobody's to end.
  if p_kind <> 'grant' then
    update public.entitlement_overrides set ended_at = least(expires_at, private.now()),
      ended_by = case when expires_at <= private.now() then null else auth.uid() end
    where school_group_id = p_school_group_id and ended_at is null and kind <> 'grant'
      and (resource = p_resource or module_id = p_module_id)
    returning id into v_replaces;
  end if;
  insert into public.entitlement_overrides
    (school_group_id, kind, resource, amount, module_id, reason, expires_at, created_by)
  values (p_school_group_id, p_kind, p_resource, p_amount, p_module_id, v_reason, p_expires_at, auth.uid())
  returning id into v_id;
  perform private.audit('override_added', p_school_group_id, jsonb_build_object(
    'id', v_id, 'kind', p_kind, 'resource', p_resource,
    'amount', p_amount, 'module_id', p_module_id, 'reason', v_reason,
    'expires_at', p_expires_at, 'replaces', v_replaces));
  v_rev := private.tell_entitlements(p_school_group_id);
  return jsonb_build_object('id', v_id, 'school_group_id', p_school_group_id, 'rev', v_rev);
end $$;

-- ───────────────────────────────────────────────────────────── limits
create function public.set_limit_override(p_school_group_id uuid, p_resource text,
    p_limit bigint, p_reason text, p_expires_at timestamptz default null)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
begin
  perform private.require_super_admin();
  if p_limit not between 0 and 1000000000000000 then
    perform private.fail('PT400', 'invalid_request',
      'Une limite est un nombre de 0 à 10^15, ou rien pour illimité.', 'p_limit');
  end if;
  return private.add_override(private.resolve_group(p_school_group_id), 'limit',
    private.require_resource(p_resource), p_limit, null, p_reason, p_expires_at);
end $$;
comment on function public.set_limit_override(uuid, text, bigint, text, timestamptz) is
  'Super admin: replaces a group''s limit, up or down; null is unlimited; bytes for storage. Optional '
  'expiry.';
grant execute on function public.set_limit_override(uuid, text, bigint, text, timestamptz) to authenticated;

create function public.grant_quantity(p_school_group_id uuid, p_resource text, p_amount bigint,
    p_reason text, p_expires_at timestamptz)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
begin
  perform private.require_super_admin();
  if p_amount is null or p_amount not between 1 and 1000000000000000 then
    perform private.fail('PT400', 'invalid_request',
      'La quantité accordée est un nombre positif.', 'p_amount');
  elsif p_expires_at is null then
    perform private.fail('PT400', 'invalid_request',
      'Une quantité est accordée jusqu’à une date.', 'p_expires_at');
  end if;
  return private.add_override(private.resolve_group(p_school_group_id), 'grant',
    private.require_resource(p_resource), p_amount, null, p_reason, p_expires_at);
end $$;
comment on function public.grant_quantity(uuid, text, bigint, text, timestamptz) is
  'Super admin: adds room to the plan''s limit until a date; bytes for storage. Several grants add up.';
grant execute on function public.grant_quantity(uuid, text, bigint, text, timestamptz) to authenticated;

-- ───────────────────────────────────────────────────────────── modules
create function public.set_module_override(p_school_group_id uuid, p_module text,
    p_open boolean, p_reason text, p_expires_at timestamptz default null)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare v_module uuid;
begin
  perform private.require_super_admin();
  select id into v_module from public.modules where slug = p_module or id::text = lower(p_module);
  if v_module is null then
    perform private.fail('PT404', 'feature_not_found', 'Ce module n’existe pas.', 'p_module');
  elsif p_open is null then
    perform private.fail('PT400', 'invalid_request', 'Dites si le module s’ouvre ou se ferme.', 'p_open');
  end if;
  return private.add_override(private.resolve_group(p_school_group_id),
    case when p_open then 'module_addition' else 'module_removal' end, null, null, v_module,
    p_reason, p_expires_at);
end $$;
comment on function public.set_module_override(uuid, text, boolean, text, timestamptz) is
  'Super admin: opens or closes one module (slug or id) for one group, whatever its plan. Optional expiry.';
grant execute on function public.set_module_override(uuid, text, boolean, text, timestamptz) to authenticated;

-- ───────────────────────────────────────────────────────────── the end of an exception
create function public.end_override(p_override_id uuid, p_reason text)
  returns jsonb language plpgsql volatile security definer set search_path = '' as $$
declare v public.entitlement_overrides; v_reason text;
begin
  perform private.require_super_admin();
  v_reason := private.require_reason(p_reason);
  select * into v from public.entitlement_overrides where id = p_override_id;
  if not found then
    perform private.fail('PT404', 'override_not_found', 'Cette dérogation n’existe pas.', 'p_override_id');
  end if;
  perform private.lock_group(v.school_group_id);
  update public.entitlement_overrides set ended_at = private.now(), ended_by = auth.uid()
  where id = v.id and ended_at is null and (expires_at is null or expires_at > private.now());
  if not found then
    perform private.fail('PT409', 'already_closed', 'Cette dérogation est déjà terminée.');
  end if;
  perform private.audit('override_ended', v.school_group_id,
    jsonb_build_object('id', v.id, 'kind', v.kind, 'reason', v_reason));
  return jsonb_build_object('id', v.id, 'school_group_id', v.school_group_id,
    'rev', private.tell_entitlements(v.school_group_id));
end $$;
comment on function public.end_override(uuid, text) is 'Super admin: ends an override or a grant now.';
grant execute on function public.end_override(uuid, text) to authenticated;
