# Tamis::Live - one filter and its rules for the tests that play the MTA
# SPDX-License-Identifier: BSD-2-Clause
package Tamis::Live;

use strict;
use warnings;

use Exporter qw(import);
use Tamis::Filter;
use Tamis::Mta;

our @EXPORT_OK = qw(live_filter live_mta play status_of $RCPT_RULES);

our $RCPT_RULES = <<'RULES';
reject@example.org   REJECT 100% no: été
defer@example.org    DEFER later
hangup@example.org   421 4.7.1 bye
discard@example.org  DISCARD
hold@example.org     HOLD held
redir@example.org    REDIRECT boss@example.org
redir2@example.org   REDIRECT Bob@example.org
bcc@example.org      BCC copy@example.org
bcc2@example.org     BCC Copy@example.org
bcc3@example.org     BCC bob@example.org
prep@example.org     PREPEND X-A:b
prep2@example.org    PREPEND X-B: c
RULES

my $CONF = <<'CONF';
mode = enforce
recipient_restrictions = check_recipient_access texthash:rcpt
CONF

# Options: those of Tamis::Filter; `conf` is added to the rules'.
sub live_filter {
    my (%opt) = @_;
    return Tamis::Filter->new(%opt, conf => $CONF . ($opt{conf} // ''),
        files => { rcpt => $RCPT_RULES, %{ $opt{files} || {} } })->start;
}

# A connection that said CONNECT and HELO.
sub live_mta {
    my ($filter, %opt) = @_;
    my $mta = Tamis::Mta->connect($filter->milter, %opt);
    $mta->connect_info('mail.example', 4, 40000, '192.0.2.7');
    $mta->helo('mail.example');
    return $mta;
}

# One message to `rcpts`: (the last reply, texts of the replies to RCPT, "ok" for those taken).
sub play {
    my ($mta, @rcpts) = @_;
    my (@texts, $reply);

    $mta->mail('<a@b.example>', '{mail_addr}' => 'a@b.example');
    for my $rcpt (@rcpts) {
        $reply = $mta->rcpt($rcpt);
        push @texts, $reply->{action} eq 'continue' ? 'ok' : $reply->{text} // $reply->{action};
    }
    if (grep { $_ eq 'ok' } @texts) {
        $mta->data(i => '4QabcD1');
        $reply = $mta->content("Subject: x\nMessage-Id: <1\@b.example>\n\nbody\n");
    }
    $mta->abort;
    return ($reply, @texts);
}

# `tamis status --json` of a filter.
sub status_of {
    my ($filter) = @_;
    my ($status, $out) = $filter->command('status', '--json');
    return { exit => $status, %{ length $out ? JSON::PP->new->decode($out) : {} } };
}

1;
