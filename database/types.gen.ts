// Generated from the migrations by the Supabase CLI: do not edit. `npm run generate` writes it anew.

export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[];

export type Database = {
  public: {
    Tables: {
      add_on_versions: {
        Row: {
          add_on_id: string;
          created_by: string | null;
          id: string;
          limits: number[];
          modules: string[];
          published_at: string | null;
          published_by: string | null;
          status: string;
          updated_at: string;
          version: number | null;
        };
        ComputedFields: never;
        Insert: {
          add_on_id: string;
          created_by?: string | null;
          id?: string;
          limits?: number[];
          modules?: string[];
          published_at?: string | null;
          published_by?: string | null;
          status?: string;
          updated_at?: string;
          version?: number | null;
        };
        Update: {
          add_on_id?: string;
          created_by?: string | null;
          id?: string;
          limits?: number[];
          modules?: string[];
          published_at?: string | null;
          published_by?: string | null;
          status?: string;
          updated_at?: string;
          version?: number | null;
        };
        Relationships: [
          {
            foreignKeyName: 'add_on_versions_add_on_id_fkey';
            columns: ['add_on_id'];
            isOneToOne: false;
            referencedRelation: 'add_ons';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'add_on_versions_created_by_fkey';
            columns: ['created_by'];
            isOneToOne: false;
            referencedRelation: 'profiles';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'add_on_versions_published_by_fkey';
            columns: ['published_by'];
            isOneToOne: false;
            referencedRelation: 'profiles';
            referencedColumns: ['id'];
          },
        ];
      };
      add_ons: {
        Row: {
          billing_period: string;
          description: string;
          id: string;
          kind: string;
          name: string;
          price_xaf: number;
          slug: string;
          status: string;
          updated_at: string;
        };
        ComputedFields: never;
        Insert: {
          billing_period?: string;
          description?: string;
          id?: string;
          kind: string;
          name: string;
          price_xaf: number;
          slug: string;
          status?: string;
          updated_at?: string;
        };
        Update: {
          billing_period?: string;
          description?: string;
          id?: string;
          kind?: string;
          name?: string;
          price_xaf?: number;
          slug?: string;
          status?: string;
          updated_at?: string;
        };
        Relationships: [];
      };
      audit_log: {
        Row: {
          action: string;
          actor_id: string | null;
          at: string;
          detail: NonNullable<Json>;
          id: number;
          school_group_id: string | null;
        };
        ComputedFields: never;
        Insert: {
          action: string;
          actor_id?: string | null;
          at?: string;
          detail?: NonNullable<Json>;
          id?: never;
          school_group_id?: string | null;
        };
        Update: {
          action?: string;
          actor_id?: string | null;
          at?: string;
          detail?: NonNullable<Json>;
          id?: never;
          school_group_id?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: 'audit_log_actor_id_fkey';
            columns: ['actor_id'];
            isOneToOne: false;
            referencedRelation: 'profiles';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'audit_log_school_group_id_fkey';
            columns: ['school_group_id'];
            isOneToOne: false;
            referencedRelation: 'school_groups';
            referencedColumns: ['id'];
          },
        ];
      };
      business_categories: {
        Row: {
          color: string;
          icon: string;
          id: string;
          name: string;
          position: number;
          slug: string;
        };
        ComputedFields: never;
        Insert: {
          color: string;
          icon: string;
          id?: string;
          name: string;
          position: number;
          slug: string;
        };
        Update: {
          color?: string;
          icon?: string;
          id?: string;
          name?: string;
          position?: number;
          slug?: string;
        };
        Relationships: [];
      };
      documents: {
        Row: {
          counts: number;
          created_at: string;
          id: string;
          mime_type: string;
          name: string;
          reserved_until: string | null;
          school_group_id: string;
          school_id: string | null;
          size_bytes: number;
          status: string;
          storage_path: string;
          updated_at: string;
          uploaded_by: string | null;
        };
        ComputedFields: never;
        Insert: {
          counts?: never;
          created_at?: string;
          id?: string;
          mime_type?: string;
          name: string;
          reserved_until?: string | null;
          school_group_id: string;
          school_id?: string | null;
          size_bytes: number;
          status?: string;
          storage_path?: string;
          updated_at?: string;
          uploaded_by?: string | null;
        };
        Update: {
          counts?: never;
          created_at?: string;
          id?: string;
          mime_type?: string;
          name?: string;
          reserved_until?: string | null;
          school_group_id?: string;
          school_id?: string | null;
          size_bytes?: number;
          status?: string;
          storage_path?: string;
          updated_at?: string;
          uploaded_by?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: 'documents_school_group_id_fkey';
            columns: ['school_group_id'];
            isOneToOne: false;
            referencedRelation: 'school_groups';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'documents_school_id_school_group_id_fkey';
            columns: ['school_id', 'school_group_id'];
            isOneToOne: false;
            referencedRelation: 'schools';
            referencedColumns: ['id', 'school_group_id'];
          },
          {
            foreignKeyName: 'documents_uploaded_by_fkey';
            columns: ['uploaded_by'];
            isOneToOne: false;
            referencedRelation: 'profiles';
            referencedColumns: ['id'];
          },
        ];
      };
      entitlement_overrides: {
        Row: {
          amount: number | null;
          created_at: string;
          created_by: string | null;
          ended_at: string | null;
          ended_by: string | null;
          expires_at: string | null;
          id: string;
          kind: string;
          module_id: string | null;
          reason: string;
          resource: Database['public']['Enums']['resource'] | null;
          school_group_id: string;
        };
        ComputedFields: never;
        Insert: {
          amount?: number | null;
          created_at?: string;
          created_by?: string | null;
          ended_at?: string | null;
          ended_by?: string | null;
          expires_at?: string | null;
          id?: string;
          kind: string;
          module_id?: string | null;
          reason: string;
          resource?: Database['public']['Enums']['resource'] | null;
          school_group_id: string;
        };
        Update: {
          amount?: number | null;
          created_at?: string;
          created_by?: string | null;
          ended_at?: string | null;
          ended_by?: string | null;
          expires_at?: string | null;
          id?: string;
          kind?: string;
          module_id?: string | null;
          reason?: string;
          resource?: Database['public']['Enums']['resource'] | null;
          school_group_id?: string;
        };
        Relationships: [
          {
            foreignKeyName: 'entitlement_overrides_created_by_fkey';
            columns: ['created_by'];
            isOneToOne: false;
            referencedRelation: 'profiles';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'entitlement_overrides_ended_by_fkey';
            columns: ['ended_by'];
            isOneToOne: false;
            referencedRelation: 'profiles';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'entitlement_overrides_module_id_fkey';
            columns: ['module_id'];
            isOneToOne: false;
            referencedRelation: 'modules';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'entitlement_overrides_school_group_id_fkey';
            columns: ['school_group_id'];
            isOneToOne: false;
            referencedRelation: 'school_groups';
            referencedColumns: ['id'];
          },
        ];
      };
      modules: {
        Row: {
          category_id: string;
          description: string;
          icon: string;
          id: string;
          is_core: boolean;
          name: string;
          position: number;
          slug: string;
        };
        ComputedFields: never;
        Insert: {
          category_id: string;
          description?: string;
          icon: string;
          id?: string;
          is_core?: boolean;
          name: string;
          position: number;
          slug: string;
        };
        Update: {
          category_id?: string;
          description?: string;
          icon?: string;
          id?: string;
          is_core?: boolean;
          name?: string;
          position?: number;
          slug?: string;
        };
        Relationships: [
          {
            foreignKeyName: 'modules_category_id_fkey';
            columns: ['category_id'];
            isOneToOne: false;
            referencedRelation: 'business_categories';
            referencedColumns: ['id'];
          },
        ];
      };
      notification_reads: {
        Row: {
          notification_id: number;
          profile_id: string;
          read_at: string;
          turn: number;
        };
        ComputedFields: never;
        Insert: {
          notification_id: number;
          profile_id?: string;
          read_at?: string;
          turn: number;
        };
        Update: {
          notification_id?: number;
          profile_id?: string;
          read_at?: string;
          turn?: number;
        };
        Relationships: [
          {
            foreignKeyName: 'notification_reads_notification_id_fkey';
            columns: ['notification_id'];
            isOneToOne: false;
            referencedRelation: 'notices';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'notification_reads_notification_id_fkey';
            columns: ['notification_id'];
            isOneToOne: false;
            referencedRelation: 'notifications';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'notification_reads_profile_id_fkey';
            columns: ['profile_id'];
            isOneToOne: false;
            referencedRelation: 'profiles';
            referencedColumns: ['id'];
          },
        ];
      };
      notifications: {
        Row: {
          created_at: string;
          id: number;
          kind: Database['public']['Enums']['notification_kind'];
          level: number | null;
          params: NonNullable<Json>;
          raised_at: string;
          resolved_at: string | null;
          resource: Database['public']['Enums']['resource'] | null;
          rev: number;
          school_group_id: string;
          turn: number;
        };
        ComputedFields: never;
        Insert: {
          created_at?: string;
          id?: never;
          kind: Database['public']['Enums']['notification_kind'];
          level?: number | null;
          params: NonNullable<Json>;
          raised_at?: string;
          resolved_at?: string | null;
          resource?: Database['public']['Enums']['resource'] | null;
          rev: number;
          school_group_id: string;
          turn?: number;
        };
        Update: {
          created_at?: string;
          id?: never;
          kind?: Database['public']['Enums']['notification_kind'];
          level?: number | null;
          params?: NonNullable<Json>;
          raised_at?: string;
          resolved_at?: string | null;
          resource?: Database['public']['Enums']['resource'] | null;
          rev?: number;
          school_group_id?: string;
          turn?: number;
        };
        Relationships: [
          {
            foreignKeyName: 'notifications_school_group_id_fkey';
            columns: ['school_group_id'];
            isOneToOne: false;
            referencedRelation: 'school_groups';
            referencedColumns: ['id'];
          },
        ];
      };
      plan_categories: {
        Row: {
          category_id: string;
          plan_id: string;
        };
        ComputedFields: never;
        Insert: {
          category_id: string;
          plan_id: string;
        };
        Update: {
          category_id?: string;
          plan_id?: string;
        };
        Relationships: [
          {
            foreignKeyName: 'plan_categories_category_id_fkey';
            columns: ['category_id'];
            isOneToOne: false;
            referencedRelation: 'business_categories';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'plan_categories_plan_id_fkey';
            columns: ['plan_id'];
            isOneToOne: false;
            referencedRelation: 'subscription_plans';
            referencedColumns: ['id'];
          },
        ];
      };
      plan_change_requests: {
        Row: {
          closed_at: string | null;
          created_at: string;
          id: string;
          plan_id: string;
          reason: string;
          requested_by: string;
          review_note: string | null;
          reviewed_by: string | null;
          school_group_id: string;
          status: string;
          wished_date: string | null;
        };
        ComputedFields: never;
        Insert: {
          closed_at?: string | null;
          created_at?: string;
          id?: string;
          plan_id: string;
          reason: string;
          requested_by: string;
          review_note?: string | null;
          reviewed_by?: string | null;
          school_group_id: string;
          status?: string;
          wished_date?: string | null;
        };
        Update: {
          closed_at?: string | null;
          created_at?: string;
          id?: string;
          plan_id?: string;
          reason?: string;
          requested_by?: string;
          review_note?: string | null;
          reviewed_by?: string | null;
          school_group_id?: string;
          status?: string;
          wished_date?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: 'plan_change_requests_plan_id_fkey';
            columns: ['plan_id'];
            isOneToOne: false;
            referencedRelation: 'subscription_plans';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'plan_change_requests_requested_by_fkey';
            columns: ['requested_by'];
            isOneToOne: false;
            referencedRelation: 'profiles';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'plan_change_requests_reviewed_by_fkey';
            columns: ['reviewed_by'];
            isOneToOne: false;
            referencedRelation: 'profiles';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'plan_change_requests_school_group_id_fkey';
            columns: ['school_group_id'];
            isOneToOne: false;
            referencedRelation: 'school_groups';
            referencedColumns: ['id'];
          },
        ];
      };
      plan_modules: {
        Row: {
          module_id: string;
          plan_id: string;
        };
        ComputedFields: never;
        Insert: {
          module_id: string;
          plan_id: string;
        };
        Update: {
          module_id?: string;
          plan_id?: string;
        };
        Relationships: [
          {
            foreignKeyName: 'plan_modules_module_id_fkey';
            columns: ['module_id'];
            isOneToOne: false;
            referencedRelation: 'modules';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'plan_modules_plan_id_fkey';
            columns: ['plan_id'];
            isOneToOne: false;
            referencedRelation: 'subscription_plans';
            referencedColumns: ['id'];
          },
        ];
      };
      plan_versions: {
        Row: {
          created_by: string | null;
          definition: NonNullable<Json>;
          id: string;
          limits: number[];
          plan_id: string;
          published_at: string | null;
          published_by: string | null;
          status: string;
          updated_at: string;
          version: number | null;
        };
        ComputedFields: never;
        Insert: {
          created_by?: string | null;
          definition: NonNullable<Json>;
          id?: string;
          limits?: never;
          plan_id: string;
          published_at?: string | null;
          published_by?: string | null;
          status?: string;
          updated_at?: string;
          version?: number | null;
        };
        Update: {
          created_by?: string | null;
          definition?: NonNullable<Json>;
          id?: string;
          limits?: never;
          plan_id?: string;
          published_at?: string | null;
          published_by?: string | null;
          status?: string;
          updated_at?: string;
          version?: number | null;
        };
        Relationships: [
          {
            foreignKeyName: 'plan_versions_created_by_fkey';
            columns: ['created_by'];
            isOneToOne: false;
            referencedRelation: 'profiles';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'plan_versions_plan_id_fkey';
            columns: ['plan_id'];
            isOneToOne: false;
            referencedRelation: 'subscription_plans';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'plan_versions_published_by_fkey';
            columns: ['published_by'];
            isOneToOne: false;
            referencedRelation: 'profiles';
            referencedColumns: ['id'];
          },
        ];
      };
      profiles: {
        Row: {
          created_at: string;
          first_name: string;
          id: string;
          last_name: string;
          locale: string;
          role: Database['public']['Enums']['user_role'];
          school_group_id: string | null;
          school_id: string | null;
          status: string;
          updated_at: string;
        };
        ComputedFields: never;
        Insert: {
          created_at?: string;
          first_name?: string;
          id: string;
          last_name?: string;
          locale?: string;
          role: Database['public']['Enums']['user_role'];
          school_group_id?: string | null;
          school_id?: string | null;
          status?: string;
          updated_at?: string;
        };
        Update: {
          created_at?: string;
          first_name?: string;
          id?: string;
          last_name?: string;
          locale?: string;
          role?: Database['public']['Enums']['user_role'];
          school_group_id?: string | null;
          school_id?: string | null;
          status?: string;
          updated_at?: string;
        };
        Relationships: [
          {
            foreignKeyName: 'profiles_school_group_id_fkey';
            columns: ['school_group_id'];
            isOneToOne: false;
            referencedRelation: 'school_groups';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'profiles_school_id_school_group_id_fkey';
            columns: ['school_id', 'school_group_id'];
            isOneToOne: false;
            referencedRelation: 'schools';
            referencedColumns: ['id', 'school_group_id'];
          },
        ];
      };
      refusals: {
        Row: {
          actor_id: string | null;
          at: string;
          decision: NonNullable<Json>;
          id: number;
          school_group_id: string;
          source: string;
        };
        ComputedFields: never;
        Insert: {
          actor_id?: string | null;
          at?: string;
          decision: NonNullable<Json>;
          id?: never;
          school_group_id: string;
          source: string;
        };
        Update: {
          actor_id?: string | null;
          at?: string;
          decision?: NonNullable<Json>;
          id?: never;
          school_group_id?: string;
          source?: string;
        };
        Relationships: [
          {
            foreignKeyName: 'refusals_actor_id_fkey';
            columns: ['actor_id'];
            isOneToOne: false;
            referencedRelation: 'profiles';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'refusals_school_group_id_fkey';
            columns: ['school_group_id'];
            isOneToOne: false;
            referencedRelation: 'school_groups';
            referencedColumns: ['id'];
          },
        ];
      };
      scheduled_changes: {
        Row: {
          closed_at: string | null;
          created_at: string;
          created_by: string | null;
          effective_at: string;
          id: string;
          plan_id: string;
          reason: string;
          school_group_id: string;
          status: string;
        };
        ComputedFields: never;
        Insert: {
          closed_at?: string | null;
          created_at?: string;
          created_by?: string | null;
          effective_at: string;
          id?: string;
          plan_id: string;
          reason: string;
          school_group_id: string;
          status?: string;
        };
        Update: {
          closed_at?: string | null;
          created_at?: string;
          created_by?: string | null;
          effective_at?: string;
          id?: string;
          plan_id?: string;
          reason?: string;
          school_group_id?: string;
          status?: string;
        };
        Relationships: [
          {
            foreignKeyName: 'scheduled_changes_created_by_fkey';
            columns: ['created_by'];
            isOneToOne: false;
            referencedRelation: 'profiles';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'scheduled_changes_plan_id_fkey';
            columns: ['plan_id'];
            isOneToOne: false;
            referencedRelation: 'subscription_plans';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'scheduled_changes_school_group_id_fkey';
            columns: ['school_group_id'];
            isOneToOne: false;
            referencedRelation: 'school_groups';
            referencedColumns: ['id'];
          },
        ];
      };
      school_group_notes: {
        Row: {
          author_id: string | null;
          body: string;
          created_at: string;
          id: number;
          school_group_id: string;
        };
        ComputedFields: never;
        Insert: {
          author_id?: string | null;
          body: string;
          created_at?: string;
          id?: never;
          school_group_id: string;
        };
        Update: {
          author_id?: string | null;
          body?: string;
          created_at?: string;
          id?: never;
          school_group_id?: string;
        };
        Relationships: [
          {
            foreignKeyName: 'school_group_notes_author_id_fkey';
            columns: ['author_id'];
            isOneToOne: false;
            referencedRelation: 'profiles';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'school_group_notes_school_group_id_fkey';
            columns: ['school_group_id'];
            isOneToOne: false;
            referencedRelation: 'school_groups';
            referencedColumns: ['id'];
          },
        ];
      };
      school_groups: {
        Row: {
          city: string | null;
          code: string | null;
          contact_email: string | null;
          contact_name: string | null;
          contact_phone: string | null;
          created_at: string;
          department: string | null;
          id: string;
          name: string;
          search_key: string | null;
          status: string;
          updated_at: string;
        };
        ComputedFields: never;
        Insert: {
          city?: string | null;
          code?: string | null;
          contact_email?: string | null;
          contact_name?: string | null;
          contact_phone?: string | null;
          created_at?: string;
          department?: string | null;
          id?: string;
          name: string;
          search_key?: never;
          status?: string;
          updated_at?: string;
        };
        Update: {
          city?: string | null;
          code?: string | null;
          contact_email?: string | null;
          contact_name?: string | null;
          contact_phone?: string | null;
          created_at?: string;
          department?: string | null;
          id?: string;
          name?: string;
          search_key?: never;
          status?: string;
          updated_at?: string;
        };
        Relationships: [];
      };
      schools: {
        Row: {
          address: string | null;
          city: string | null;
          code: string | null;
          counts: number;
          created_at: string;
          id: string;
          name: string;
          school_group_id: string;
          status: string;
          updated_at: string;
        };
        ComputedFields: never;
        Insert: {
          address?: string | null;
          city?: string | null;
          code?: string | null;
          counts?: never;
          created_at?: string;
          id?: string;
          name: string;
          school_group_id: string;
          status?: string;
          updated_at?: string;
        };
        Update: {
          address?: string | null;
          city?: string | null;
          code?: string | null;
          counts?: never;
          created_at?: string;
          id?: string;
          name?: string;
          school_group_id?: string;
          status?: string;
          updated_at?: string;
        };
        Relationships: [
          {
            foreignKeyName: 'schools_school_group_id_fkey';
            columns: ['school_group_id'];
            isOneToOne: false;
            referencedRelation: 'school_groups';
            referencedColumns: ['id'];
          },
        ];
      };
      staff: {
        Row: {
          counts: number;
          created_at: string;
          email: string | null;
          first_name: string;
          id: string;
          job_title: string | null;
          last_name: string;
          phone: string | null;
          school_group_id: string;
          school_id: string;
          status: string;
          updated_at: string;
        };
        ComputedFields: never;
        Insert: {
          counts?: never;
          created_at?: string;
          email?: string | null;
          first_name: string;
          id?: string;
          job_title?: string | null;
          last_name: string;
          phone?: string | null;
          school_group_id: string;
          school_id: string;
          status?: string;
          updated_at?: string;
        };
        Update: {
          counts?: never;
          created_at?: string;
          email?: string | null;
          first_name?: string;
          id?: string;
          job_title?: string | null;
          last_name?: string;
          phone?: string | null;
          school_group_id?: string;
          school_id?: string;
          status?: string;
          updated_at?: string;
        };
        Relationships: [
          {
            foreignKeyName: 'staff_school_group_id_fkey';
            columns: ['school_group_id'];
            isOneToOne: false;
            referencedRelation: 'school_groups';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'staff_school_id_school_group_id_fkey';
            columns: ['school_id', 'school_group_id'];
            isOneToOne: false;
            referencedRelation: 'schools';
            referencedColumns: ['id', 'school_group_id'];
          },
        ];
      };
      students: {
        Row: {
          birth_date: string | null;
          class_name: string | null;
          counts: number;
          created_at: string;
          first_name: string;
          gender: string | null;
          id: string;
          last_name: string;
          registration_number: string | null;
          school_group_id: string;
          school_id: string;
          status: string;
          updated_at: string;
        };
        ComputedFields: never;
        Insert: {
          birth_date?: string | null;
          class_name?: string | null;
          counts?: never;
          created_at?: string;
          first_name: string;
          gender?: string | null;
          id?: string;
          last_name: string;
          registration_number?: string | null;
          school_group_id: string;
          school_id: string;
          status?: string;
          updated_at?: string;
        };
        Update: {
          birth_date?: string | null;
          class_name?: string | null;
          counts?: never;
          created_at?: string;
          first_name?: string;
          gender?: string | null;
          id?: string;
          last_name?: string;
          registration_number?: string | null;
          school_group_id?: string;
          school_id?: string;
          status?: string;
          updated_at?: string;
        };
        Relationships: [
          {
            foreignKeyName: 'students_school_group_id_fkey';
            columns: ['school_group_id'];
            isOneToOne: false;
            referencedRelation: 'school_groups';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'students_school_id_school_group_id_fkey';
            columns: ['school_id', 'school_group_id'];
            isOneToOne: false;
            referencedRelation: 'schools';
            referencedColumns: ['id', 'school_group_id'];
          },
        ];
      };
      subscription_add_ons: {
        Row: {
          add_on_id: string;
          add_on_version_id: string;
          created_at: string;
          created_by: string | null;
          ended_at: string | null;
          ended_by: string | null;
          ends_at: string | null;
          id: string;
          quantity: number;
          school_group_id: string;
          source: string;
          starts_at: string;
        };
        ComputedFields: never;
        Insert: {
          add_on_id: string;
          add_on_version_id: string;
          created_at?: string;
          created_by?: string | null;
          ended_at?: string | null;
          ended_by?: string | null;
          ends_at?: string | null;
          id?: string;
          quantity?: number;
          school_group_id: string;
          source: string;
          starts_at?: string;
        };
        Update: {
          add_on_id?: string;
          add_on_version_id?: string;
          created_at?: string;
          created_by?: string | null;
          ended_at?: string | null;
          ended_by?: string | null;
          ends_at?: string | null;
          id?: string;
          quantity?: number;
          school_group_id?: string;
          source?: string;
          starts_at?: string;
        };
        Relationships: [
          {
            foreignKeyName: 'subscription_add_ons_add_on_version_id_add_on_id_fkey';
            columns: ['add_on_version_id', 'add_on_id'];
            isOneToOne: false;
            referencedRelation: 'add_on_versions';
            referencedColumns: ['id', 'add_on_id'];
          },
          {
            foreignKeyName: 'subscription_add_ons_created_by_fkey';
            columns: ['created_by'];
            isOneToOne: false;
            referencedRelation: 'profiles';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'subscription_add_ons_ended_by_fkey';
            columns: ['ended_by'];
            isOneToOne: false;
            referencedRelation: 'profiles';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'subscription_add_ons_school_group_id_fkey';
            columns: ['school_group_id'];
            isOneToOne: false;
            referencedRelation: 'school_groups';
            referencedColumns: ['id'];
          },
        ];
      };
      subscription_events: {
        Row: {
          actor_id: string | null;
          created_at: string;
          from_plan_id: string | null;
          from_status: Database['public']['Enums']['subscription_status'] | null;
          id: number;
          kind: string;
          reason: string | null;
          rev: number;
          school_group_id: string;
          to_plan_id: string;
          to_status: Database['public']['Enums']['subscription_status'];
        };
        ComputedFields: never;
        Insert: {
          actor_id?: string | null;
          created_at?: string;
          from_plan_id?: string | null;
          from_status?: Database['public']['Enums']['subscription_status'] | null;
          id?: never;
          kind: string;
          reason?: string | null;
          rev: number;
          school_group_id: string;
          to_plan_id: string;
          to_status: Database['public']['Enums']['subscription_status'];
        };
        Update: {
          actor_id?: string | null;
          created_at?: string;
          from_plan_id?: string | null;
          from_status?: Database['public']['Enums']['subscription_status'] | null;
          id?: never;
          kind?: string;
          reason?: string | null;
          rev?: number;
          school_group_id?: string;
          to_plan_id?: string;
          to_status?: Database['public']['Enums']['subscription_status'];
        };
        Relationships: [
          {
            foreignKeyName: 'subscription_events_actor_id_fkey';
            columns: ['actor_id'];
            isOneToOne: false;
            referencedRelation: 'profiles';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'subscription_events_from_plan_id_fkey';
            columns: ['from_plan_id'];
            isOneToOne: false;
            referencedRelation: 'subscription_plans';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'subscription_events_school_group_id_fkey';
            columns: ['school_group_id'];
            isOneToOne: false;
            referencedRelation: 'school_groups';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'subscription_events_to_plan_id_fkey';
            columns: ['to_plan_id'];
            isOneToOne: false;
            referencedRelation: 'subscription_plans';
            referencedColumns: ['id'];
          },
        ];
      };
      subscription_plans: {
        Row: {
          billing_period: string;
          color: string;
          icon: string;
          id: string;
          limits: number[];
          max_schools: number | null;
          max_staff: number | null;
          max_storage: number | null;
          max_students: number | null;
          name: string;
          price_xaf: number;
          rank: number;
          slug: string;
          status: string;
          trial_days: number;
          updated_at: string;
          version: number;
          warn_at: number;
        };
        ComputedFields: never;
        Insert: {
          billing_period?: string;
          color?: string;
          icon?: string;
          id?: string;
          limits?: never;
          max_schools?: number | null;
          max_staff?: number | null;
          max_storage?: number | null;
          max_students?: number | null;
          name: string;
          price_xaf: number;
          rank: number;
          slug: string;
          status?: string;
          trial_days?: number;
          updated_at?: string;
          version?: number;
          warn_at?: number;
        };
        Update: {
          billing_period?: string;
          color?: string;
          icon?: string;
          id?: string;
          limits?: never;
          max_schools?: number | null;
          max_staff?: number | null;
          max_storage?: number | null;
          max_students?: number | null;
          name?: string;
          price_xaf?: number;
          rank?: number;
          slug?: string;
          status?: string;
          trial_days?: number;
          updated_at?: string;
          version?: number;
          warn_at?: number;
        };
        Relationships: [];
      };
      subscriptions: {
        Row: {
          cancel_at_period_end: boolean;
          current_period_end: string | null;
          grace_ends_at: string | null;
          id: string;
          past_due_until: string | null;
          pinned_version_id: string | null;
          plan_id: string;
          school_group_id: string;
          started_at: string;
          status: Database['public']['Enums']['subscription_status'];
          trial_ends_at: string | null;
          updated_at: string;
        };
        ComputedFields: never;
        Insert: {
          cancel_at_period_end?: boolean;
          current_period_end?: string | null;
          grace_ends_at?: string | null;
          id?: string;
          past_due_until?: string | null;
          pinned_version_id?: string | null;
          plan_id: string;
          school_group_id: string;
          started_at?: string;
          status?: Database['public']['Enums']['subscription_status'];
          trial_ends_at?: string | null;
          updated_at?: string;
        };
        Update: {
          cancel_at_period_end?: boolean;
          current_period_end?: string | null;
          grace_ends_at?: string | null;
          id?: string;
          past_due_until?: string | null;
          pinned_version_id?: string | null;
          plan_id?: string;
          school_group_id?: string;
          started_at?: string;
          status?: Database['public']['Enums']['subscription_status'];
          trial_ends_at?: string | null;
          updated_at?: string;
        };
        Relationships: [
          {
            foreignKeyName: 'subscriptions_pinned_version_id_fkey';
            columns: ['pinned_version_id'];
            isOneToOne: false;
            referencedRelation: 'plan_versions';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'subscriptions_plan_id_fkey';
            columns: ['plan_id'];
            isOneToOne: false;
            referencedRelation: 'subscription_plans';
            referencedColumns: ['id'];
          },
          {
            foreignKeyName: 'subscriptions_school_group_id_fkey';
            columns: ['school_group_id'];
            isOneToOne: true;
            referencedRelation: 'school_groups';
            referencedColumns: ['id'];
          },
        ];
      };
      usage_daily: {
        Row: {
          day: string;
          limit: number | null;
          resource: Database['public']['Enums']['resource'];
          school_group_id: string;
          used: number;
        };
        ComputedFields: never;
        Insert: {
          day: string;
          limit?: number | null;
          resource: Database['public']['Enums']['resource'];
          school_group_id: string;
          used: number;
        };
        Update: {
          day?: string;
          limit?: number | null;
          resource?: Database['public']['Enums']['resource'];
          school_group_id?: string;
          used?: number;
        };
        Relationships: [
          {
            foreignKeyName: 'usage_daily_school_group_id_fkey';
            columns: ['school_group_id'];
            isOneToOne: false;
            referencedRelation: 'school_groups';
            referencedColumns: ['id'];
          },
        ];
      };
    };
    Views: {
      notices: {
        Row: {
          created_at: string;
          id: number;
          kind: Database['public']['Enums']['notification_kind'];
          level: number | null;
          params: NonNullable<Json>;
          raised_at: string;
          resolved_at: string | null;
          resource: Database['public']['Enums']['resource'] | null;
          rev: number;
          school_group_id: string;
          turn: number;
          unread: boolean | null;
        };
        ComputedFields: never;
        Insert: {
          created_at?: string | null;
          id?: number | null;
          kind?: Database['public']['Enums']['notification_kind'] | null;
          level?: number | null;
          params?: Json | null;
          raised_at?: string | null;
          resolved_at?: string | null;
          resource?: Database['public']['Enums']['resource'] | null;
          rev?: number | null;
          school_group_id?: string | null;
          turn?: number | null;
          unread?: never;
        };
        Update: {
          created_at?: string | null;
          id?: number | null;
          kind?: Database['public']['Enums']['notification_kind'] | null;
          level?: number | null;
          params?: Json | null;
          raised_at?: string | null;
          resolved_at?: string | null;
          resource?: Database['public']['Enums']['resource'] | null;
          rev?: number | null;
          school_group_id?: string | null;
          turn?: number | null;
          unread?: never;
        };
        Relationships: [
          {
            foreignKeyName: 'notifications_school_group_id_fkey';
            columns: ['school_group_id'];
            isOneToOne: false;
            referencedRelation: 'school_groups';
            referencedColumns: ['id'];
          },
        ];
      };
      school_group_usage: {
        Row: {
          limit: number | null;
          percentage: number | null;
          plan: string;
          remaining: number | null;
          resource: Database['public']['Enums']['resource'] | null;
          school_group_id: string;
          state: string | null;
          used: number | null;
        };
        ComputedFields: never;
        Relationships: [
          {
            foreignKeyName: 'group_states_school_group_id_fkey';
            columns: ['school_group_id'];
            isOneToOne: true;
            referencedRelation: 'school_groups';
            referencedColumns: ['id'];
          },
        ];
      };
      usage_counters: {
        Row: {
          resource: Database['public']['Enums']['resource'] | null;
          school_group_id: string;
          used: number | null;
        };
        ComputedFields: never;
        Relationships: [
          {
            foreignKeyName: 'group_states_school_group_id_fkey';
            columns: ['school_group_id'];
            isOneToOne: true;
            referencedRelation: 'school_groups';
            referencedColumns: ['id'];
          },
        ];
      };
    };
    Functions: {
      begin_upload: { Args: { p_path: string; p_size: number }; Returns: number };
      can_access_category: { Args: { p_category: string; p_school_group_id?: string }; Returns: boolean };
      can_access_module: { Args: { p_module: string; p_school_group_id?: string }; Returns: boolean };
      cancel_at_period_end: {
        Args: { p_cancel: boolean; p_reason: string; p_school_group_id: string };
        Returns: undefined;
      };
      cancel_plan_change_request: { Args: { p_request_id: string }; Returns: Json };
      cancel_scheduled_change: { Args: { p_reason: string; p_school_group_id: string }; Returns: Json };
      change_plan: {
        Args: {
          p_effective?: string;
          p_expected_rev?: number;
          p_plan_slug: string;
          p_reason: string;
          p_school_group_id: string;
        };
        Returns: Json;
      };
      check_plan_restrictions: {
        Args: { p_requested?: number; p_restriction_type: string; p_school_group_id?: string };
        Returns: Json;
      };
      confirm_document: { Args: { p_document_id: string }; Returns: Json };
      create_plan_draft: { Args: { p_plan_slug: string }; Returns: Json };
      delete_document: { Args: { p_document_id: string }; Returns: undefined };
      delete_plan_draft: { Args: { p_version_id: string }; Returns: undefined };
      end_override: { Args: { p_override_id: string; p_reason: string }; Returns: Json };
      end_session: { Args: { p_session_id: string }; Returns: boolean };
      end_upload: { Args: { p_path: string }; Returns: boolean };
      get_all_plan_restrictions: { Args: { p_school_group_id?: string }; Returns: Json };
      get_catalogue: { Args: Record<PropertyKey, never>; Returns: Json };
      get_entitlements: { Args: { p_school_group_id?: string }; Returns: Json };
      get_school_group: { Args: { p_school_group_id: string }; Returns: Json };
      get_usage_history: { Args: { p_days?: number; p_school_group_id?: string }; Returns: Json };
      grant_quantity: {
        Args: {
          p_amount: number;
          p_expires_at: string;
          p_reason: string;
          p_resource: string;
          p_school_group_id: string;
        };
        Returns: Json;
      };
      import_staff: { Args: { p_mode: string; p_rows: Json; p_school_id: string }; Returns: Json };
      import_students: { Args: { p_mode: string; p_rows: Json; p_school_id: string }; Returns: Json };
      keep_upload: { Args: { p_path: string }; Returns: undefined };
      list_school_groups: {
        Args: {
          p_descending?: boolean;
          p_limit?: number;
          p_offset?: number;
          p_plan?: string;
          p_search?: string;
          p_sort?: string;
          p_state?: string;
        };
        Returns: Json;
      };
      mark_notifications_read: { Args: { p_up_to: number }; Returns: number };
      my_sessions: {
        Args: Record<PropertyKey, never>;
        Returns: {
          created_at: string;
          current: boolean;
          id: string;
          ip: string;
          refreshed_at: string;
          user_agent: string;
        }[];
      };
      preview_plan_change: { Args: { p_plan_slug: string; p_school_group_id?: string }; Returns: Json };
      publish_plan_version: {
        Args: { p_existing?: string; p_expected_version?: number; p_version_id: string };
        Returns: Json;
      };
      renew_subscription: {
        Args: { p_expected_rev?: number; p_period_end: string; p_reason: string; p_school_group_id: string };
        Returns: Json;
      };
      repair_usage: { Args: Record<PropertyKey, never>; Returns: number };
      report_refusal: { Args: { p_requested?: number; p_restriction_type: string }; Returns: Json };
      request_plan_change: {
        Args: { p_plan_slug: string; p_reason: string; p_wished_date?: string };
        Returns: Json;
      };
      review_plan_change_request: {
        Args: { p_accept_overage?: boolean; p_approve: boolean; p_note?: string; p_request_id: string };
        Returns: Json;
      };
      set_limit_override: {
        Args: {
          p_expires_at?: string;
          p_limit: number;
          p_reason: string;
          p_resource: string;
          p_school_group_id: string;
        };
        Returns: Json;
      };
      set_module_override: {
        Args: {
          p_expires_at?: string;
          p_module: string;
          p_open: boolean;
          p_reason: string;
          p_school_group_id: string;
        };
        Returns: Json;
      };
      set_subscription_status: {
        Args: {
          p_expected_rev?: number;
          p_reason: string;
          p_school_group_id: string;
          p_status: string;
          p_until?: string;
        };
        Returns: Json;
      };
      simulate_plan_publication: { Args: { p_existing?: string; p_version_id: string }; Returns: Json };
      update_plan_draft: { Args: { p_definition: Json; p_version_id: string }; Returns: Json };
      verify_usage: { Args: Record<PropertyKey, never>; Returns: Json };
    };
    Enums: {
      notification_kind: 'usage_threshold' | 'plan_changed' | 'status_changed' | 'request_decided';
      resource: 'schools' | 'students' | 'staff' | 'storage';
      subscription_status: 'trial' | 'active' | 'past_due' | 'grace' | 'suspended' | 'cancelled' | 'expired';
      user_role: 'super_admin' | 'admin_groupe' | 'personnel';
    };
    CompositeTypes: {
      [_ in never]: never;
    };
  };
};

type DatabaseWithoutInternals = Omit<Database, '__InternalSupabase'>;

type DefaultSchema = DatabaseWithoutInternals[Extract<keyof Database, 'public'>];

export type Tables<
  DefaultSchemaTableNameOrOptions extends
    | keyof (DefaultSchema['Tables'] & DefaultSchema['Views'])
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends (DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  }
    ? keyof (DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Tables'] &
        DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Views'])
    : never) = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? (DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Tables'] &
      DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Views'])[TableName] extends {
      Row: infer R;
    }
    ? R
    : never
  : DefaultSchemaTableNameOrOptions extends keyof (DefaultSchema['Tables'] & DefaultSchema['Views'])
    ? (DefaultSchema['Tables'] & DefaultSchema['Views'])[DefaultSchemaTableNameOrOptions] extends {
        Row: infer R;
      }
      ? R
      : never
    : never;

export type TablesInsert<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema['Tables']
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends (DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Tables']
    : never) = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Tables'][TableName] extends {
      Insert: infer I;
    }
    ? I
    : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema['Tables']
    ? DefaultSchema['Tables'][DefaultSchemaTableNameOrOptions] extends {
        Insert: infer I;
      }
      ? I
      : never
    : never;

export type TablesUpdate<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema['Tables']
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends (DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Tables']
    : never) = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions['schema']]['Tables'][TableName] extends {
      Update: infer U;
    }
    ? U
    : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema['Tables']
    ? DefaultSchema['Tables'][DefaultSchemaTableNameOrOptions] extends {
        Update: infer U;
      }
      ? U
      : never
    : never;

export type Enums<
  DefaultSchemaEnumNameOrOptions extends
    | keyof DefaultSchema['Enums']
    | { schema: keyof DatabaseWithoutInternals },
  EnumName extends (DefaultSchemaEnumNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions['schema']]['Enums']
    : never) = never,
> = DefaultSchemaEnumNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions['schema']]['Enums'][EnumName]
  : DefaultSchemaEnumNameOrOptions extends keyof DefaultSchema['Enums']
    ? DefaultSchema['Enums'][DefaultSchemaEnumNameOrOptions]
    : never;

export type CompositeTypes<
  PublicCompositeTypeNameOrOptions extends
    | keyof DefaultSchema['CompositeTypes']
    | { schema: keyof DatabaseWithoutInternals },
  CompositeTypeName extends (PublicCompositeTypeNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  }
    ? keyof DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions['schema']]['CompositeTypes']
    : never) = never,
> = PublicCompositeTypeNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions['schema']]['CompositeTypes'][CompositeTypeName]
  : PublicCompositeTypeNameOrOptions extends keyof DefaultSchema['CompositeTypes']
    ? DefaultSchema['CompositeTypes'][PublicCompositeTypeNameOrOptions]
    : never;

export const Constants = {
  public: {
    Enums: {
      notification_kind: ['usage_threshold', 'plan_changed', 'status_changed', 'request_decided'],
      resource: ['schools', 'students', 'staff', 'storage'],
      subscription_status: ['trial', 'active', 'past_due', 'grace', 'suspended', 'cancelled', 'expired'],
      user_role: ['super_admin', 'admin_groupe', 'personnel'],
    },
  },
} as const;
