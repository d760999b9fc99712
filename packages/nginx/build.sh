#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Debian's nginx, unpatched, configured as a static file server and reverse
# proxy.  Modules that speak to application servers of other kinds (fastcgi, uwsgi, scgi,
# memcached ...) and mail are left out.
set -eu
source=$1 out=$2
rm -rf "$out/src" "$out/root"
cp -r "$source" "$out/src"
cd "$out/src"
cross-configure ./configure \
	--prefix=/usr/share/nginx \
	--sbin-path=/usr/sbin/nginx \
	--conf-path=/etc/nginx/nginx.conf \
	--error-log-path=stderr \
	--http-log-path=/var/log/nginx/access.log \
	--pid-path=/run/nginx.pid \
	--lock-path=/run/nginx.lock \
	--http-client-body-temp-path=/tmp/body \
	--http-proxy-temp-path=/tmp/proxy \
	--user=nobody --group=nogroup \
	--with-cc-opt='-O2' \
	--without-select_module --without-poll_module \
	--without-http_fastcgi_module --without-http_uwsgi_module --without-http_scgi_module \
	--without-http_grpc_module --without-http_memcached_module \
	--without-http_ssi_module --without-http_userid_module --without-http_mirror_module \
	--without-http_empty_gif_module --without-http_browser_module --without-http_split_clients_module \
	--without-http_geo_module --without-http_referer_module \
	--without-http_upstream_zone_module \
	--with-http_realip_module --with-http_stub_status_module
make -j"$(nproc)" -f objs/Makefile binary
cp objs/nginx "$out/nginx"
mkdir -p "$out/root/etc/nginx"
cp conf/mime.types "$out/root/etc/nginx/"
# Folders that nginx writes to.
mkdir -p "$out/root/run" "$out/root/tmp" "$out/root/var/log/nginx"
