/** Texts of what few people meet at sign-in, in both languages: apart from `src/i18n`, which every first screen loads. */
import { useI18n, type I18n } from '@/i18n/i18n.ts';
import type { EndReason } from '@/lib/session.ts';

interface AuthWords {
  ended: {
    title: string;
    /** Over the screen, which stays. */
    over: Record<EndReason, string>;
    /** On the sign-in page. */
    before: Record<EndReason, string>;
    leave: string;
  };
  code: {
    title: string;
    label: string;
    hint: string;
    submit: string;
    submitting: string;
    other: string;
    missing: string;
    wrong: string;
  };
}

const WORDS: Record<I18n['locale'], AuthWords> = {
  fr: {
    ended: {
      title: 'Session terminée',
      over: {
        expired: 'Elle a expiré. Reconnectez-vous pour continuer : ce que vous avez saisi est conservé.',
        closed:
          'Elle a été fermée depuis un autre appareil, ou le mot de passe a changé. Reconnectez-vous pour continuer : ce que vous avez saisi est conservé.',
        disabled: 'Votre compte a été désactivé. Parlez-en à la personne qui gère vos accès.',
        archived: 'Votre groupe scolaire est archivé. Parlez-en à votre interlocuteur E-Pilot.',
        left: 'Vous vous êtes déconnecté dans un autre onglet.',
      },
      before: {
        expired: 'Votre session a expiré. Reconnectez-vous pour continuer.',
        closed:
          'Votre session est terminée : elle a expiré, a été fermée depuis un autre appareil, ou le mot de passe a changé. Reconnectez-vous pour continuer.',
        disabled: 'Votre compte n’est pas actif. Parlez-en à la personne qui gère vos accès.',
        archived: 'Votre groupe scolaire est archivé. Parlez-en à votre interlocuteur E-Pilot.',
        left: 'Session terminée : vous vous êtes déconnecté dans un autre onglet.',
      },
      leave: 'Aller à la connexion',
    },
    code: {
      title: 'Double authentification',
      label: 'Code à 6 chiffres',
      hint: 'Ouvrez votre application d’authentification et recopiez le code affiché pour E-Pilot.',
      submit: 'Valider le code',
      submitting: 'Vérification…',
      other: 'Utiliser un autre compte',
      missing: 'Saisissez les 6 chiffres du code.',
      wrong: 'Ce code n’est pas valable, ou il a déjà servi. Attendez le suivant, puis réessayez.',
    },
  },
  en: {
    ended: {
      title: 'Session over',
      over: {
        expired: 'It has expired. Sign in again to go on: what you typed is kept.',
        closed:
          'It was ended from another device, or the password was changed. Sign in again to go on: what you typed is kept.',
        disabled: 'Your account was disabled. Talk to the person who manages your access.',
        archived: 'Your school group is archived. Talk to your E-Pilot contact.',
        left: 'You signed out in another tab.',
      },
      before: {
        expired: 'Your session has expired. Sign in again to go on.',
        closed:
          'Your session is over: it expired, was ended from another device, or the password was changed. Sign in again to go on.',
        disabled: 'Your account is not active. Talk to the person who manages your access.',
        archived: 'Your school group is archived. Talk to your E-Pilot contact.',
        left: 'Session over: you signed out in another tab.',
      },
      leave: 'Go to sign-in',
    },
    code: {
      title: 'Two-step sign-in',
      label: '6-digit code',
      hint: 'Open your authenticator app and copy the code it shows for E-Pilot.',
      submit: 'Confirm the code',
      submitting: 'Checking…',
      other: 'Use another account',
      missing: 'Enter the 6 digits of the code.',
      wrong: 'This code is not valid, or was used already. Wait for the next one, then try again.',
    },
  },
};

/** The texts in the current language. */
export const useAuthWords = (): AuthWords => WORDS[useI18n().locale];
